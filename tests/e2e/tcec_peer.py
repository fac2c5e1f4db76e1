"""Reads answers of T/CEC 102 with nothing but Python's standard library: an independent check of the platform's envelopes.

Takes one JSON object on standard input: {"data_secret", "data_secret_iv", "sig_secret", "answers": [envelope, …]}; prints a
JSON list with the plaintext of each Data (null where it is empty). Ends with an error when a signature does not hold.
"""
import base64
import hashlib
import hmac
import json
import sys


def _tables():
    """The S-box of FIPS 197, 5.1.1: the inverse in GF(2^8), then the affine map."""
    sbox, p, q = [0] * 256, 1, 1
    while True:
        p = p ^ ((p << 1) & 0xFF) ^ (0x1B if p & 0x80 else 0)
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        q &= 0xFF
        if q & 0x80:
            q ^= 0x09
        rotated = q ^ _rotate(q, 1) ^ _rotate(q, 2) ^ _rotate(q, 3) ^ _rotate(q, 4)
        sbox[p] = rotated ^ 0x63
        if p == 1:
            break
    sbox[0] = 0x63
    inverse = [0] * 256
    for at, value in enumerate(sbox):
        inverse[value] = at
    return sbox, inverse


def _rotate(byte, by):
    return ((byte << by) | (byte >> (8 - by))) & 0xFF


SBOX, INVERSE = _tables()


def _times(a, b):
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = ((a << 1) ^ 0x11B) if a & 0x80 else a << 1
        b >>= 1
    return product


def _round_keys(key):
    words = [list(key[4 * at:4 * at + 4]) for at in range(4)]
    constant = 1
    for at in range(4, 44):
        word = list(words[-1])
        if at % 4 == 0:
            word = [SBOX[byte] for byte in word[1:] + word[:1]]
            word[0] ^= constant
            constant = _times(constant, 2)
        words.append([a ^ b for a, b in zip(words[-4], word)])
    return [sum(words[4 * at:4 * at + 4], []) for at in range(11)]


def _block(keys, block):
    state = [a ^ b for a, b in zip(block, keys[10])]
    for number in range(9, -1, -1):
        # Rows shift back: the byte in row r and column c comes from column c - r.
        state = [state[4 * ((column - row) % 4) + row] for column in range(4) for row in range(4)]
        state = [INVERSE[byte] ^ key for byte, key in zip(state, keys[number])]
        if number:
            mixed = []
            for column in range(4):
                a, b, c, d = state[4 * column:4 * column + 4]
                for first, second, third, fourth in ((a, b, c, d), (b, c, d, a), (c, d, a, b), (d, a, b, c)):
                    mixed.append(_times(first, 14) ^ _times(second, 11) ^ _times(third, 13) ^ _times(fourth, 9))
            state = mixed
    return bytes(state)


def decrypt(key, start, data):
    """AES-128-CBC with PKCS#7, from standard Base64."""
    cipher = base64.b64decode(data, validate=True)
    keys, before, plain = _round_keys(key), start, b""
    for at in range(0, len(cipher), 16):
        block = cipher[at:at + 16]
        plain += bytes(a ^ b for a, b in zip(_block(keys, block), before))
        before = block
    padding = plain[-1]
    assert 1 <= padding <= 16 and plain[-padding:] == bytes([padding]) * padding, "padding"
    return plain[:-padding].decode("utf-8")


def main():
    asked = json.load(sys.stdin)
    plain = []
    for answer in asked["answers"]:
        signed = f"{answer['Ret']}{answer['Msg']}{answer['Data']}".encode("utf-8")
        expected = hmac.new(asked["sig_secret"].encode("utf-8"), signed, hashlib.md5).hexdigest().upper()
        assert hmac.compare_digest(expected, answer["Sig"]), f"signature of {answer}"
        key, start = (asked[name].encode("utf-8") for name in ("data_secret", "data_secret_iv"))
        plain.append(decrypt(key, start, answer["Data"]) if answer["Data"] else None)
    json.dump(plain, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()
