import MMCore

/// Finds the server of each command, and keeps connections to those that were used. It stays on one thread.
final class RedisWorker {
    /// What a command got, and from which run of which server.
    struct Answer: Sendable {
        let value: RedisValue
        let run: String
        let isYoung: Bool
    }

    private let address: RedisAddress
    private let connectLimit: Duration
    private var sockets: [RedisAddress.Server: RedisSocket] = [:]
    /// The servers of a cluster's slots, as far as they are known.
    private var slots: [Int: RedisAddress.Server] = [:]
    /// The server that the sentinels named last.
    private var master: RedisAddress.Server?
    private var checked: ContinuousClock.Instant?
    private var sentinels: [RedisAddress.Server: RedisSocket] = [:]
    private var turn = 0
    /// Why nothing was reached lately, and until when nothing else is tried: those who wait are told so at once.
    private var away: (fault: RedisSocket.Fault, until: ContinuousClock.Instant)?

    init(_ address: RedisAddress, connectLimit: Duration) {
        self.address = address
        self.connectLimit = connectLimit
    }

    /// Carries out a command.
    /// - Parameters:
    ///   - key: whose slot says which server of a cluster is asked.
    ///   - isRepeatable: whether it may be sent again where it may have been carried out.
    func run(
        _ words: [[UInt8]], key: String, isRepeatable: Bool, milliseconds: Int32
    ) throws(RedisSocket.Fault) -> Answer {
        if let away, ContinuousClock.now < away.until { throw away.fault }
        do throws(RedisSocket.Fault) {
            let answer = try tryAll(words, key: key, isRepeatable: isRepeatable, milliseconds: milliseconds)
            away = nil
            return answer
        } catch {
            away = (RedisSocket.Fault(text: error.text, mayHaveRun: false), .now + .milliseconds(200))
            throw error
        }
    }

    private func tryAll(
        _ words: [[UInt8]], key: String, isRepeatable: Bool, milliseconds: Int32
    ) throws(RedisSocket.Fault) -> Answer {
        var last = RedisSocket.Fault(text: "no server is known", mayHaveRun: false)
        var asked: RedisAddress.Server?
        for _ in 0..<(address.kind == .one ? 2 : 4) {
            var server: RedisAddress.Server?
            do throws(RedisSocket.Fault) {
                let isAsking = asked != nil
                let chosen = if let asked { asked } else { try self.server(of: key) }
                asked = nil
                server = chosen
                let socket = try self.socket(to: chosen)
                if isAsking { _ = try socket.ask([Array("ASKING".utf8)], milliseconds: milliseconds) }
                let value = try socket.ask(words, milliseconds: milliseconds)
                guard case .error(let text) = value else {
                    return Answer(value: value, run: socket.run, isYoung: socket.isYoung)
                }
                let parts = text.split(separator: " ")
                switch parts.first {
                case "MOVED" where parts.count == 3:
                    slots[RedisSlot.of(key)] = Self.server(parts[2], besides: chosen)
                case "ASK" where parts.count == 3: asked = Self.server(parts[2], besides: chosen)
                case "READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS":
                    forget(chosen)
                    last = RedisSocket.Fault(text: text, mayHaveRun: false)
                    // The next answer may be better in a moment; who waits for it is told so by the error.
                    throw last
                default: return Answer(value: value, run: socket.run, isYoung: socket.isYoung)
                }
            } catch {
                last = error
                if let server { forget(server) }
                if error.mayHaveRun, !isRepeatable { throw error }
            }
        }
        throw last
    }

    private func forget(_ server: RedisAddress.Server) {
        sockets[server] = nil
        slots = slots.filter { $0.value != server }
        if master == server { master = nil }
        turn += 1
    }

    private func socket(to server: RedisAddress.Server) throws(RedisSocket.Fault) -> RedisSocket {
        if let open = sockets[server] { return open }
        let opened = try RedisSocket.open(server, address, within: connectLimit)
        if case .sentinels = address.kind, !opened.isMaster {
            throw RedisSocket.Fault(text: "\(server) is no master (any more)", mayHaveRun: false)
        }
        sockets[server] = opened
        return opened
    }

    private func server(of key: String) throws(RedisSocket.Fault) -> RedisAddress.Server {
        let servers = address.servers
        switch address.kind {
        case .one: return servers[0]
        case .cluster: return slots[RedisSlot.of(key)] ?? servers[turn % servers.count]
        case .sentinels(let name):
            let now = ContinuousClock.now
            if let master, let checked, checked.duration(to: now) < .seconds(1) { return master }
            let found = try namedMaster(name)
            if found != master, let old = master { sockets[old] = nil }
            master = found
            checked = now
            return found
        }
    }

    /// The master that most of the sentinels name. One that a partition has left behind with a few of them would take writes
    /// that nobody else ever sees.
    private func namedMaster(_ name: String) throws(RedisSocket.Fault) -> RedisAddress.Server {
        var last = "the sentinels don't agree on the master \(name)"
        var votes: [RedisAddress.Server: Int] = [:]
        for sentinel in address.servers {
            do throws(RedisSocket.Fault) {
                let limit = min(connectLimit, .milliseconds(500))
                let socket =
                    if let open = sentinels[sentinel] { open } else {
                        try RedisSocket.open(sentinel, address, isSentinel: true, within: limit)
                    }
                sentinels[sentinel] = nil
                let answer = try socket.ask(
                    ["SENTINEL", "get-master-addr-by-name", name].map { Array($0.utf8) }, milliseconds: 500)
                sentinels[sentinel] = socket
                if let list = answer.elements, list.count == 2, let host = list[0].text, let port = list[1].integer {
                    votes[RedisAddress.Server(host: host, port: Int(port)), default: 0] += 1
                }
            } catch {
                last = error.text
            }
        }
        guard let best = votes.max(by: { $0.value < $1.value }), best.value * 2 > address.servers.count else {
            throw RedisSocket.Fault(text: last, mayHaveRun: false)
        }
        return best.key
    }

    /// `host:port` of a redirection; without a host it is the one that was asked.
    private static func server(_ text: Substring, besides asked: RedisAddress.Server) -> RedisAddress.Server? {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]) else { return nil }
        let host = text[..<colon]
        return RedisAddress.Server(host: host.isEmpty ? asked.host : String(host), port: port)
    }
}

/// Which of a cluster's 16,384 slots a key belongs to.
enum RedisSlot {
    /// The slot of a key: of the part within its first braces, where it has one.
    static func of(_ key: String) -> Int {
        var hashed = Array(key.utf8)[...]
        if let open = hashed.firstIndex(of: UInt8(ascii: "{")),
            let close = hashed[(open + 1)...].firstIndex(of: UInt8(ascii: "}")), close > open + 1
        {
            hashed = hashed[(open + 1)..<close]
        }
        // CRC-16 of XMODEM, as Redis has it.
        var sum: UInt16 = 0
        for byte in hashed {
            sum ^= UInt16(byte) << 8
            for _ in 0..<8 { sum = sum & 0x8000 != 0 ? sum << 1 ^ 0x1021 : sum << 1 }
        }
        return Int(sum) % 16384
    }
}
