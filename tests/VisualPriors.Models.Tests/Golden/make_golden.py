"""Writes the golden files of this folder: inputs, weights, outputs, losses and gradients of tiny models.

An implementation of its own, from the formulas of the papers (RoFormer, GQA, RMSNorm, SwiGLU, ViT, LLaVA's projector), in plain tensor
arithmetic: no attention, norm or loss function of the library, and none of the C# code's shapes (matrices apart, loops over heads).
Run with Debian's Python and python3-torch (any PyTorch from 1.13 on):  /usr/bin/python3 make_golden.py
"""
import json
import math
import os
import struct

import torch

HERE = os.path.dirname(os.path.abspath(__file__))


def write_safetensors(name, tensors, metadata):
    """The safetensors layout: 8 bytes of header length, a JSON header, the data without gaps."""
    header, data = {"__metadata__": {k: str(v) for k, v in metadata.items()}}, b""
    for key, value in tensors.items():
        value = value.detach().contiguous()
        raw = value.numpy().tobytes()
        dtype = {torch.float32: "F32", torch.int64: "I64", torch.bool: "BOOL"}[value.dtype]
        header[key] = {"dtype": dtype, "shape": list(value.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    with open(os.path.join(HERE, name), "wb") as file:
        file.write(struct.pack("<Q", len(encoded)) + encoded + data)


def rms_norm(x, weight, eps):
    return x / torch.sqrt((x ** 2).sum(-1, keepdim=True) / x.shape[-1] + eps) * weight


def layer_norm(x, weight, bias, eps):
    centred = x - x.sum(-1, keepdim=True) / x.shape[-1]
    return centred / torch.sqrt((centred ** 2).sum(-1, keepdim=True) / x.shape[-1] + eps) * weight + bias


def softmax(scores):
    powers = torch.exp(scores - scores.max(-1, keepdim=True).values)
    return powers / powers.sum(-1, keepdim=True)


def gelu(x):
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))


def rotate(x, theta):
    """x [T, E]: the pair (i, i + E/2) of position t turns by t / theta^(2i/E), one complex product each."""
    length, size = x.shape
    half = size // 2
    columns = [None] * size
    positions = torch.arange(length, dtype=torch.float64)
    for i in range(half):
        angle = positions / theta ** (2 * i / size)
        cos, sin = torch.cos(angle).float(), torch.sin(angle).float()
        columns[i] = x[:, i] * cos - x[:, i + half] * sin
        columns[i + half] = x[:, i] * sin + x[:, i + half] * cos
    return torch.stack(columns, dim=-1)


def attention(q, k, v, allowed):
    """One head: q [T, E], k and v [S, E], allowed [T, S] or None."""
    scores = q @ k.T / math.sqrt(q.shape[-1])
    if allowed is not None:
        scores = torch.where(allowed, scores, torch.tensor(-math.inf))
    return softmax(scores) @ v


def decoder():
    config = dict(layers=2, hidden=32, heads=4, kv_heads=2, ffn=48, vocabulary=67, theta=10000.0, eps=1e-6)
    batch, length = 3, 11
    hidden, ffn, size = config["hidden"], config["ffn"], config["hidden"] // config["heads"]
    g = torch.Generator().manual_seed(1)

    def weight(*shape, scale=0.15):
        return (torch.randn(*shape, generator=g) * scale).requires_grad_()

    w = {"model.embed_tokens.weight": weight(config["vocabulary"], hidden, scale=1.0)}
    for i in range(config["layers"]):
        p = f"model.layers.{i}."
        w[p + "input_layernorm.weight"] = (1 + 0.1 * torch.randn(hidden, generator=g)).requires_grad_()
        w[p + "self_attn.q_proj.weight"] = weight(hidden, hidden)
        w[p + "self_attn.k_proj.weight"] = weight(config["kv_heads"] * size, hidden)
        w[p + "self_attn.v_proj.weight"] = weight(config["kv_heads"] * size, hidden)
        w[p + "self_attn.o_proj.weight"] = weight(hidden, hidden)
        w[p + "post_attention_layernorm.weight"] = (1 + 0.1 * torch.randn(hidden, generator=g)).requires_grad_()
        w[p + "mlp.gate_proj.weight"] = weight(ffn, hidden)
        w[p + "mlp.up_proj.weight"] = weight(ffn, hidden)
        w[p + "mlp.down_proj.weight"] = weight(hidden, ffn)
    w["model.norm.weight"] = (1 + 0.1 * torch.randn(hidden, generator=g)).requires_grad_()
    w["lm_head.weight"] = weight(config["vocabulary"], hidden)

    tokens = torch.randint(0, config["vocabulary"], (batch, length), generator=g)
    labels = torch.randint(0, config["vocabulary"], (batch, length), generator=g)
    labels[0, :4] = -100
    labels[2, 7] = -100
    causal = torch.ones(length, length).tril().bool()
    # A mask as images and padding make it: the first five positions see each other, the last sequence has two that nobody sees.
    mask = causal.repeat(batch, 1, 1)
    mask[:, :5, :5] = True
    mask[2, :, 5:7] = False
    mask |= torch.eye(length).bool()

    def logits_of(allowed):
        rows = []
        for b in range(batch):
            x = w["model.embed_tokens.weight"][tokens[b]]
            for i in range(config["layers"]):
                p = f"model.layers.{i}."
                n = rms_norm(x, w[p + "input_layernorm.weight"], config["eps"])
                q, k, v = (n @ w[p + f"self_attn.{c}_proj.weight"].T for c in "qkv")
                mixed = []
                for h in range(config["heads"]):
                    kv = h // (config["heads"] // config["kv_heads"])
                    a, c = slice(h * size, (h + 1) * size), slice(kv * size, (kv + 1) * size)
                    mixed.append(attention(rotate(q[:, a], config["theta"]), rotate(k[:, c], config["theta"]), v[:, c], allowed[b]))
                x = x + torch.cat(mixed, -1) @ w[p + "self_attn.o_proj.weight"].T
                n = rms_norm(x, w[p + "post_attention_layernorm.weight"], config["eps"])
                gate, up = n @ w[p + "mlp.gate_proj.weight"].T, n @ w[p + "mlp.up_proj.weight"].T
                x = x + (gate / (1 + torch.exp(-gate)) * up) @ w[p + "mlp.down_proj.weight"].T
            rows.append(rms_norm(x, w["model.norm.weight"], config["eps"]) @ w["lm_head.weight"].T)
        return torch.stack(rows)

    logits = logits_of([causal] * batch)
    losses = torch.zeros(batch, length)
    for b in range(batch):
        for t in range(length):
            if labels[b, t] != -100:
                losses[b, t] = torch.log(torch.exp(logits[b, t]).sum()) - logits[b, t, labels[b, t]]
    loss = losses.sum() / (labels != -100).sum()
    loss.backward()
    tensors = dict(w)
    tensors.update({"gradient." + k: v.grad for k, v in w.items()})
    tensors.update(tokens=tokens, labels=labels, mask=mask, logits=logits, losses=losses, loss=loss.reshape(1), masked_logits=logits_of(mask))
    write_safetensors("decoder.safetensors", tensors, config)


def vision():
    config = dict(image=16, patch=4, hidden=24, layers=2, heads=3, ffn=40, eps=1e-6, decoder=20, visual_tokens=4)
    hidden, ffn, patch, side, size = 24, 40, 4, 4, 8
    g = torch.Generator().manual_seed(2)

    def weight(*shape, scale=0.2):
        return (torch.randn(*shape, generator=g) * scale).requires_grad_()

    w = {
        "vision_model.embeddings.patch_embedding.weight": weight(hidden, 3, patch, patch),
        "vision_model.embeddings.patch_embedding.bias": weight(hidden),
        "vision_model.embeddings.position_embedding.weight": weight(side * side, hidden),
    }
    for i in range(config["layers"]):
        p = f"vision_model.encoder.layers.{i}."
        for norm in ("layer_norm1", "layer_norm2"):
            w[p + norm + ".weight"] = (1 + 0.1 * torch.randn(hidden, generator=g)).requires_grad_()
            w[p + norm + ".bias"] = weight(hidden)
        for name, rows, columns in [("self_attn.q_proj", hidden, hidden), ("self_attn.k_proj", hidden, hidden), ("self_attn.v_proj", hidden, hidden),
                                    ("self_attn.out_proj", hidden, hidden), ("mlp.fc1", ffn, hidden), ("mlp.fc2", hidden, ffn)]:
            w[p + name + ".weight"], w[p + name + ".bias"] = weight(rows, columns), weight(rows)
    w["vision_model.post_layernorm.weight"] = (1 + 0.1 * torch.randn(hidden, generator=g)).requires_grad_()
    w["vision_model.post_layernorm.bias"] = weight(hidden)
    m = {
        "linear_1.weight": weight(20, hidden), "linear_1.bias": weight(20),
        "linear_2.weight": weight(20, 20), "linear_2.bias": weight(20),
    }
    images = torch.rand(2, 3, 16, 16, generator=g) * 2 - 1

    def linear(x, name):
        return x @ w[name + ".weight"].T + w[name + ".bias"]

    features, embeddings = [], []
    for image in images:
        kernel = w["vision_model.embeddings.patch_embedding.weight"]
        x = []
        for row in range(side):
            for column in range(side):
                window = image[:, row * patch:(row + 1) * patch, column * patch:(column + 1) * patch]
                x.append((kernel * window).sum((1, 2, 3)) + w["vision_model.embeddings.patch_embedding.bias"])
        x = torch.stack(x) + w["vision_model.embeddings.position_embedding.weight"]
        for i in range(config["layers"]):
            p = f"vision_model.encoder.layers.{i}."
            n = layer_norm(x, w[p + "layer_norm1.weight"], w[p + "layer_norm1.bias"], config["eps"])
            q, k, v = (linear(n, p + f"self_attn.{c}_proj") for c in "qkv")
            heads = [attention(*(t[:, h * size:(h + 1) * size] for t in (q, k, v)), None) for h in range(config["heads"])]
            x = x + linear(torch.cat(heads, -1), p + "self_attn.out_proj")
            n = layer_norm(x, w[p + "layer_norm2.weight"], w[p + "layer_norm2.bias"], config["eps"])
            x = x + linear(gelu(linear(n, p + "mlp.fc1")), p + "mlp.fc2")
        x = layer_norm(x, w["vision_model.post_layernorm.weight"], w["vision_model.post_layernorm.bias"], config["eps"])
        features.append(x)
        # Bilinear from 4x4 to 2x2 with pixel centres at (i + 0.5): every output lies in the middle of four inputs.
        grid = x.reshape(side, side, hidden)
        pooled = (grid[0::2, 0::2] + grid[0::2, 1::2] + grid[1::2, 0::2] + grid[1::2, 1::2]) / 4
        inner = gelu(pooled.reshape(4, hidden) @ m["linear_1.weight"].T + m["linear_1.bias"])
        embeddings.append(inner @ m["linear_2.weight"].T + m["linear_2.bias"])
    features, embeddings = torch.stack(features), torch.stack(embeddings)
    loss = (embeddings * torch.cos(torch.arange(embeddings.numel()).float()).reshape(embeddings.shape)).sum()
    loss.backward()
    tensors = {**w, **m, **{"gradient." + k: v.grad for k, v in {**w, **m}.items()}}
    tensors.update(images=images, features=features, embeddings=embeddings, loss=loss.reshape(1))
    write_safetensors("vision.safetensors", tensors, config)


decoder()
vision()
