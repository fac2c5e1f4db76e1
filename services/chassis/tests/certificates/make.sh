#!/bin/sh
# Makes the certificates of tests: an authority with one service, another one with a stranger, and two that have signed themselves, of
# which one is of the past. Good for nothing else.
set -eu
cd "$(dirname "$0")"
authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj "/CN=$1" \
        -addext basicConstraints=critical,CA:TRUE -keyout "$1.key" -out "$1.crt"
}
signed() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=CA:FALSE\n' > extensions
    openssl x509 -req -in "$1.csr" -CA "$2.crt" -CAkey "$2.key" -days 36500 -extfile extensions -out "$1.crt"
    rm "$1.csr" extensions
}
alone() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=critical,CA:TRUE\n' > extensions
    printf '[ca]\ndefault_ca=own\n[own]\ndatabase=issued\nnew_certs_dir=.\ndefault_md=sha256\npolicy=named\nrand_serial=yes\n' > own.cnf
    printf '[named]\ncommonName=supplied\n' >> own.cnf
    : > issued
    openssl ca -batch -selfsign -notext -config own.cnf -keyfile "$1.key" -in "$1.csr" -startdate 20200101000000Z \
        -enddate "$2" -extfile extensions -out "$1.crt"
    rm -f "$1.csr" extensions own.cnf issued* [0-9A-F]*.pem
}
authority authority
authority other
signed service authority
signed stranger other
alone alone 21200101000000Z
alone past 20210101000000Z
rm -f authority.key other.key ./*.srl
