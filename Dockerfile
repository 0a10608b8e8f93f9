FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
COPY idp/oidc/oryx idp/oidc/oryx
COPY idp/oidc/absent idp/oidc/absent
COPY ui/page/absent ui/page/absent
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/latchkey ./cmd/latchkey \
 && mkdir -p /out/data /out/tmp && chmod 1777 /out/tmp \
 && cp /usr/local/go/lib/time/zoneinfo.zip /out/zoneinfo.zip

# Nothing but the program, the certificates that it trusts and time zones.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/zoneinfo.zip /zoneinfo.zip
COPY --from=build /out/tmp /tmp
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build /out/latchkey /latchkey
ENV ZONEINFO=/zoneinfo.zip LATCHKEY_LISTEN=0.0.0.0:8080 LATCHKEY_DATA_DIR=/data LATCHKEY_LOG_FORMAT=json
USER 65532:65532
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["/latchkey", "health"]
ENTRYPOINT ["/latchkey"]
CMD ["serve"]
