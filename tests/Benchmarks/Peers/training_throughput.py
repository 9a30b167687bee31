"""The peer of the training-throughput benchmark: the same decoder, data and optimizer in PyTorch (written for Debian's 1.13).

Arguments: a folder with config.json, model.safetensors (Hugging Face names, fp32) and tokens.safetensors, a number of threads,
and perhaps a device (cpu or cuda) and the word "compiled". On cuda attention is PyTorch's own fused one, and AdamW its fused one.
Reads a number of steps per line from standard input; answers "<seconds> <last loss>".
"""
import json
import math
import os
import struct
import sys
import time

import numpy
import torch
import torch.nn.functional as F

folder, threads = sys.argv[1], int(sys.argv[2])
device = sys.argv[3] if len(sys.argv) > 3 else "cpu"
compiled = "compiled" in sys.argv[4:]
torch.set_num_threads(threads)


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    header.pop("__metadata__", None)
    types = {"F32": numpy.float32, "I64": numpy.int64}
    return {name: torch.from_numpy(numpy.frombuffer(data[slice(*entry["data_offsets"])], types[entry["dtype"]]).reshape(entry["shape"]).copy()).to(device)
            for name, entry in header.items()}


config = json.load(open(os.path.join(folder, "config.json")))
tokens = read_safetensors(os.path.join(folder, "tokens.safetensors"))["tokens"]  # [steps, B, T + 1]
w = {name: torch.nn.Parameter(value) for name, value in read_safetensors(os.path.join(folder, "model.safetensors")).items()}
layers, heads, kv_heads = config["num_hidden_layers"], config["num_attention_heads"], config["num_key_value_heads"]
size, eps, length = config["hidden_size"] // heads, config["rms_norm_eps"], tokens.shape[2] - 1

# Matrices that share an input are one matrix, as in ours: faster than three.
for i in range(layers):
    p = f"model.layers.{i}."
    w[p + "qkv"] = torch.nn.Parameter(torch.cat([w.pop(p + f"self_attn.{c}_proj.weight").data for c in "qkv"]))
    w[p + "gate_up"] = torch.nn.Parameter(torch.cat([w.pop(p + f"mlp.{c}_proj.weight").data for c in ("gate", "up")]))

angles = torch.outer(torch.arange(length, device=device).float(), config["rope_theta"] ** (-torch.arange(0, size, 2, device=device).float() / size))
cosines, sines = (torch.cat([f(angles), f(angles)], -1).to(torch.bfloat16) for f in (torch.cos, torch.sin))
unseen = torch.full((length, length), -math.inf, device=device).triu(1)


def norm(x, weight):
    y = x.float()
    return (y * torch.rsqrt(y.square().mean(-1, keepdim=True) + eps)) * weight


def rotate(x):
    a, b = x.chunk(2, -1)
    return x * cosines + torch.cat([-b, a], -1) * sines


def loss_of(batch):
    x = F.embedding(batch[:, :-1], w["model.embed_tokens.weight"])
    for i in range(layers):
        p = f"model.layers.{i}."
        qkv = F.linear(norm(x, w[p + "input_layernorm.weight"]), w[p + "qkv"]).view(len(x), length, -1, size).transpose(1, 2)
        q, k, v = qkv.split([heads, kv_heads, kv_heads], 1)
        q, k = rotate(q), rotate(k)
        k, v = (t.repeat_interleave(heads // kv_heads, 1) for t in (k, v))
        if device == "cuda":
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            scores = q @ k.transpose(-1, -2) / math.sqrt(size) + unseen
            mixed = F.softmax(scores, -1) @ v
        x = x + F.linear(mixed.transpose(1, 2).reshape(len(x), length, -1), w[p + "self_attn.o_proj.weight"])
        gate, up = F.linear(norm(x, w[p + "post_attention_layernorm.weight"]), w[p + "gate_up"]).chunk(2, -1)
        x = x + F.linear(F.silu(gate) * up, w[p + "mlp.down_proj.weight"])
    logits = F.linear(norm(x, w["model.norm.weight"]), w["lm_head.weight"])
    return F.cross_entropy(logits.float().view(-1, logits.shape[-1]), batch[:, 1:].reshape(-1))


optimizer = torch.optim.AdamW(
    [{"params": [v for v in w.values() if v.dim() > 1], "weight_decay": 0.1}, {"params": [v for v in w.values() if v.dim() < 2], "weight_decay": 0}],
    lr=1e-3, betas=(0.9, 0.95), eps=1e-8, **({"fused": True} if device == "cuda" else {"foreach": True}))
if compiled:
    loss_of = torch.compile(loss_of)
step = 0
for line in sys.stdin:
    start = time.perf_counter()
    for _ in range(int(line)):
        with torch.autocast(device, torch.bfloat16):
            loss = loss_of(tokens[step % len(tokens)])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(w.values(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
    if device == "cuda":
        torch.cuda.synchronize()
    print(f"{time.perf_counter() - start:.6f} {loss.item():.4f}", flush=True)
