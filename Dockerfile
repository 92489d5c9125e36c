# syntax=docker/dockerfile:1
# Builds natively for the platform it runs on and cross-compiles for the target:
#   docker buildx build --platform linux/amd64,linux/arm64 --build-arg VERSION=v0.1.0 .
FROM --platform=$BUILDPLATFORM golang:1.26.10 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION=dev
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/go/build-cache \
    GOCACHE=/go/build-cache CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o /upgrade-gate ./cmd/upgrade-gate

FROM gcr.io/distroless/static:nonroot
COPY --from=build /upgrade-gate /upgrade-gate
USER 65532:65532
ENTRYPOINT ["/upgrade-gate"]
