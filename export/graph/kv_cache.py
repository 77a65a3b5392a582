"""Gives the page's graph a KV cache that grows in place: the past comes in two parts, only what is new goes out. onnx.

A graph that returns the whole cache makes a second one while the first is its input: 0.75 GB instead of 0.38 for
SmolLM2's 8,192 tokens. So the page keeps the cache and adds what is new. Adding to a tensor moves most of it, so the
latest positions are an input of their own, a small one, which the page adds to the large one from time to time.
"""

import re

import onnx
from onnx import ModelProto, NodeProto

POSITIONS = 2  # the axis of [batch, kv_head, position, head_size]


def grow_in_place(proto: ModelProto) -> dict[str, list[list[str]]]:
    """Adds an input `recent.i.part` after each input `past_key_values.i.part`, and returns the keys and values of the
    new tokens, `added.i.part`, instead of the whole cache, `present.i.part`. Changes `proto`.

    Returns the manifest's `cache`: {recent, added}, each [[key, value] of every layer]. ValueError: a layer's cache is
    not its past and the new tokens after it.
    """
    graph = proto.graph
    makers = {name: node for node in graph.node for name in node.output}
    inputs = {value.name: value for value in graph.input}
    outputs = {value.name: value for value in graph.output}
    found: dict[str, list[list[str]]] = {"recent": [], "added": []}
    for name in [name for name in outputs if re.fullmatch(r"present\.\d+\.(key|value)", name)]:
        past, recent, added = (name.replace("present", kind, 1) for kind in ("past_key_values", "recent", "added"))
        node = makers[name]
        if node.op_type == "Cast":  # to fp32, which it is: CodeGen and GPT-J
            node = makers[node.input[0]]
        axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), None)
        joins = node.op_type == "Concat" and len(node.input) == 2 and axis in {POSITIONS, POSITIONS - 4}
        if not joins or node.input[0] != past:
            raise ValueError(f"{name} is not {past} and the new tokens after it, so the page could not keep the cache.")
        if node.input[1] in {value.name for value in graph.output}:  # keys and values of equal weights are one tensor
            copy = onnx.helper.make_node("Identity", [node.input[1]], [added], name=f"/{added}")
            graph.node.insert(list(graph.node).index(node), copy)
        else:
            _rename(graph.node, node.input[1], added)
        _join_for_others(proto, past, recent, node)
        node.input[:] = [past, recent, added]
        graph.input.append(_like(inputs[past], recent, "recent_sequence_length"))
        graph.output.append(_like(outputs[name], added, "sequence_length"))
        graph.output.remove(outputs[name])
        for kind, own in (("recent", recent), ("added", added)):
            if name.endswith(".key"):
                found[kind].append([])
            found[kind][-1].append(own)
    return found


def _rename(nodes: list[NodeProto], name: str, to: str) -> None:
    """Calls a value `to`, where it is made and wherever it is used."""
    for node in nodes:
        for names in (node.input, node.output):
            names[:] = [to if each == name else each for each in names]


def _join_for_others(proto: ModelProto, past: str, recent: str, cache: NodeProto) -> None:
    """What else asks for the past, such as for its length, gets both parts."""
    others = [node for node in proto.graph.node if past in node.input and node is not cache]
    if not others:
        return
    whole = f"{past}.whole"
    joined = onnx.helper.make_node("Concat", [past, recent], [whole], name=f"/{whole}", axis=POSITIONS)
    for node in others:
        node.input[:] = [whole if name == past else name for name in node.input]
    proto.graph.node.insert(0, joined)


def _like(value: onnx.ValueInfoProto, name: str, positions: str) -> onnx.ValueInfoProto:
    """The same declaration with another name and number of positions."""
    own = onnx.ValueInfoProto()
    own.CopyFrom(value)
    own.name = name
    own.type.tensor_type.shape.dim[POSITIONS].dim_param = positions
    return own
