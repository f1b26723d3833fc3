import MMCore
import MMHTTP
import MMSystem

extension EgressExchange {
    /// Opens a web socket at the service, and passes what either side sends until one ends it. Only the handshake's header
    /// fields carry tokens.
    func openWebSocket(_ request: HTTPRequest) async throws(WireFault) -> Bool {
        let tunnel = try await connect(request)
        if let refusal = request.permit?.refusal() {
            tunnel.close()
            throw WireFault(502, .upstream, refusal)
        }
        record.sent()
        let late = DeadlineWatch.shared.watch(.now + core.limits.head) { tunnel.close() }
        let (channel, target, host) = (channel, target, String(place.origin.drop { $0 != "/" }.dropFirst(2)))
        let outcome = await channel.whileConnected { () async -> Result<WebSocketHandshake, WireFault> in
            await Result { () async throws(WireFault) in
                do throws(HTTPError) {
                    try await tunnel.send(WebSocketHandshake.bytes(request, target: target, host: host))
                } catch {
                    throw WireFault(502, .upstream, "\(host) did not answer: \(error.message)")
                }
                return try await WebSocketHandshake.answer(from: tunnel)
            }
        }
        DeadlineWatch.shared.cancel(late)
        let answer = try outcome.get()
        record.heard(answer.headers)
        record.answered(answer.status)
        var headers = Self.endToEnd(answer.headers)
        guard answer.status == 101 else {
            headers.remove("content-length")
            try await writer.whole(answer.status, headers, [], length: 0, keepsAlive: false)
            return false
        }
        headers.set("Connection", "Upgrade")
        headers.set("Upgrade", WebSocketHandshake.name)
        try await writer.head(101, headers, keepsAlive: true)
        await pass(tunnel, beginning: answer.rest, permit: request.permit)
        return false
    }

    private func connect(_ request: HTTPRequest) async throws(WireFault) -> HTTPTunnel {
        var place = request
        place.timeout = core.limits.head
        let (core, asked) = (core, place)
        let outcome = await channel.whileConnected {
            await Result { () async throws(HTTPError) in try await core.transport.connect(asked) }
        }
        do throws(HTTPError) { return try outcome.get() } catch {
            if error.kind == .cancelled { throw WireChannel.gone }
            throw WireFault(502, .upstream, "\(self.place.host) can't be reached: \(error.message)")
        }
    }

    /// Passes bytes both ways. What a call opened sends no more once the call has ended, or may send no more.
    private func pass(_ tunnel: HTTPTunnel, beginning: [UInt8], permit: SendPermit?) async {
        let (channel, input, record, core, number) = (channel, input, record, core, number)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                var piece: [UInt8]? = beginning
                while let bytes = piece {
                    if !bytes.isEmpty {
                        guard (try? await channel.write(bytes)) != nil else { return }
                        record.passed(bytes.count)
                    }
                    piece = (try? await tunnel.receive()) ?? nil
                }
            }
            group.addTask {
                var piece: [UInt8]? = input.takeEarly()
                while let bytes = piece {
                    if !bytes.isEmpty {
                        guard core.judge.holds(number), permit?.refusal() == nil,
                            (try? await tunnel.send(bytes)) != nil
                        else { return }
                        record.raised(bytes.count)
                    }
                    piece = (try? await channel.read(until: .now + core.limits.answer)) ?? nil
                }
            }
            await group.next()
            tunnel.close()
            group.cancelAll()
        }
    }
}
