# A steering vector: the residual stream of another text, A, minus that of this
# one, as it enters a layer; a strength times it is added to other texts

other = "The cat sat on the mat."  # A, which is read again
layer = 0
mean = False  # True: the mean over the tokens, not the last position

from pyscripts import patching

def stream(text):
    return patching.stream(text.reading, model.manifest["sha256"])

there = await model.read(other)
vector = patching.steering(stream(there), stream(run), layer, mean)
print("L2 norm", np.linalg.norm(vector))
# To steer, times a strength, these are the interventions:
# {"add": [{"layer": layer, "position": None, "vector": vector}]}
vector  # [hidden]
