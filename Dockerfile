# The program, to run nodes of the bundled cluster from; see compose.yaml.
FROM rust:1-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package stormproof

FROM debian:bookworm-slim
COPY --from=build /src/target/release/stormproof /usr/local/bin/stormproof
VOLUME /data
EXPOSE 7001 7101
ENTRYPOINT ["stormproof"]
CMD ["node"]
