# The largest dimensions of one token's hidden state after a layer

token = 0  # its index in the text
layer = 0  # 0: the embeddings

vector = run.resid[layer, run.position(token)].astype(float)  # [hidden]
largest = np.argsort(-abs(vector), kind="stable")[:6]
states = run.of_tokens(run.resid[layer], axis=0)  # [token, hidden]
states = states * np.sign(vector)
{"dimension": largest, "value": vector[largest],
 "peaks at": [run.texts[states[:, i].argmax()] for i in largest]}
