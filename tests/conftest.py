"""What all tests share: no example of hypothesis has a deadline, since machines are busy and no test asserts a time."""

from hypothesis import settings

settings.register_profile("tokenlight", deadline=None)
settings.load_profile("tokenlight")
