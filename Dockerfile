# The two images: `operator` (the control plane's program) and `trainer` (the launcher and its rank processes).
#
#   docker build --target operator -t localhost/visualpriors/operator:dev .
#   docker build --target trainer  -t localhost/visualpriors/trainer:dev .                            for CPUs
#   docker build --target trainer  -t localhost/visualpriors/trainer:dev --build-arg TORCH=cuda .     for NVIDIA GPUs
#
# Programs carry their own .NET, so a base only has to be a small Linux with OpenSSL and certificates (for the trainer, too, a libstdc++
# and a glibc as new as Ubuntu 24.04's or Debian 13's: libtorch wants them). deploy/images/build.sh builds both where no registry is to be
# had: from a base of its own making, with programs published outside (PROGRAMS=given). Buildah 1.28 builds as above only when told
# --build-arg PROGRAMS=build: it does not see which stage the default names.
ARG SDK_IMAGE=mcr.microsoft.com/dotnet/sdk:10.0-noble
ARG OPERATOR_BASE=mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled
ARG TRAINER_BASE=mcr.microsoft.com/dotnet/runtime-deps:10.0-noble
# build: compile here. given: the build context is a folder that holds the published programs, one folder each.
ARG PROGRAMS=build

FROM ${SDK_IMAGE} AS build-operator
WORKDIR /src
COPY . .
RUN deploy/images/publish.sh VisualPriors.Operator /programs/VisualPriors.Operator

FROM ${SDK_IMAGE} AS build-trainer
# cpu or cuda: which libtorch is packed.
ARG TORCH=cpu
WORKDIR /src
COPY . .
RUN deploy/images/publish.sh VisualPriors.Trainer /programs/VisualPriors.Trainer -p:Torch=${TORCH}

FROM scratch AS given-operator
COPY VisualPriors.Operator /programs/VisualPriors.Operator

FROM scratch AS given-trainer
COPY VisualPriors.Trainer /programs/VisualPriors.Trainer

FROM ${PROGRAMS}-operator AS operator-programs
FROM ${PROGRAMS}-trainer AS trainer-programs

# Health, readiness and metrics are the program's own endpoints, on :8080; Kubernetes asks them.
FROM ${OPERATOR_BASE} AS operator
COPY --from=operator-programs --chmod=755 /programs/VisualPriors.Operator /app
USER 65532:65532
WORKDIR /app
ENTRYPOINT ["/app/VisualPriors.Operator"]

# The pod gives the arguments (`launch --plan ...`). The launcher answers for its health on :9400.
FROM ${TRAINER_BASE} AS trainer
# Read by the NVIDIA container runtime alone: the driver's libraries that PyTorch's CUDA build needs.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=trainer-programs --chmod=755 /programs/VisualPriors.Trainer /app
USER 65532:65532
WORKDIR /app
ENTRYPOINT ["/app/VisualPriors.Trainer"]
