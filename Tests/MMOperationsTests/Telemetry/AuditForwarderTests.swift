import MMCore
import MMHTTP
import MMSystem
import TestSupport
import Testing

@testable import MMOperations

@Suite("Copies of the audit log", .timeLimit(.minutes(5)))
struct AuditForwarderTests {
    private let home: TestHome
    private let audit: AuditLog

    init() throws {
        home = try TestHome()
        audit = AuditLog(path: home.paths.auditLog)
    }

    private func write(_ numbers: Range<Int>) throws {
        for number in numbers {
            try audit.append(["operation": "run", "outcome": "done", "number": .int(Int64(number)), "text": "für alle"])
        }
    }

    private func append(_ entry: JSONObject) throws { try audit.append(entry) }

    private func forwarder(_ destination: AuditDestination, _ sink: any AuditSink) -> AuditForwarder {
        var rests = AuditForwarder.Rests()
        (rests.look, rests.first, rests.longest) = (.milliseconds(5), .milliseconds(5), .milliseconds(20))
        rests.last = .seconds(120)
        return AuditForwarder(to: destination, by: sink, of: audit, paths: home.paths, log: .off, rests: rests)
    }

    private func collectorSink(_ url: String, tokenFile: String? = nil) -> CollectorSink {
        CollectorSink(
            url: url, tokenFile: tokenFile,
            transport: HTTPClient(configuration: HTTPClientConfiguration(environment: [:])))
    }

    private func numbers(_ collector: StandInCollector) -> [Int?] {
        collector.accepted.flatMap(\.lines).map { line in
            let entry: JSONValue? = try? JSONParser.parse(line)
            return entry?["number"]?.int
        }
    }

    @Test("a collector gets every line once and in order, while it fails, is slow to recover and is restarted")
    func collector() async throws {
        let token = home.path + "/token"
        try ProtectedFile.replace(token, with: Array("s3cret-of-the-collector\n".utf8))
        let first = try StandInCollector(statuses: [500, 429, 401, 200, 503])
        let port = first.port
        let destination = try AuditDestination(first.url + "/ingest?key=private")
        try write(0..<50)
        let sink = collectorSink(first.url + "/ingest?key=private", tokenFile: token)
        let running = Task { await forwarder(destination, sink).run() }
        #expect(await eventually { numbers(first).count == 50 })
        try write(50..<60)
        #expect(await eventually { numbers(first).count == 60 })
        #expect(first.accepted.first?.headers["authorization"] == "Bearer s3cret-of-the-collector")
        #expect(first.accepted.first?.headers["Content-Type"] == "application/x-ndjson")
        #expect(numbers(first) == Array(0..<60))

        // It goes, lines are written meanwhile, and another stands in its place.
        await first.stop()
        try write(60..<80)
        // One reading: the fault before may just be over when the next one begins.
        let faulty = Mutex<AuditCopyState?>(nil)
        #expect(
            await eventually {
                guard let state = try? AuditCopyState.read(destination, home.paths), state.fault != nil else {
                    return false
                }
                faulty.withLock { $0 = state }
                return true
            })
        let state = try #require(faulty.withLock { $0 })
        #expect(state.faultSince != nil && !state.destination.contains("private"))
        let stood = Mutex<StandInCollector?>(nil)
        // The port may be somebody else's for a moment.
        #expect(
            await eventually {
                guard let collector = try? StandInCollector(port: port) else { return false }
                stood.withLock { $0 = collector }
                return true
            })
        let second = try #require(stood.withLock { $0 })
        #expect(await eventually { numbers(second).count == 20 })
        #expect(numbers(second) == Array(60..<80))
        #expect(await eventually { (try? AuditCopyState.read(destination, home.paths))?.fault == nil })

        // The process ends; the next one goes on where it was.
        running.cancel()
        await running.value
        try write(80..<90)
        let next = Task { await forwarder(destination, sink).run() }
        #expect(await eventually { numbers(second).count >= 30 })
        next.cancel()
        await next.value
        #expect(numbers(second) == Array(60..<90))
    }

    @Test("what is too much at once goes in smaller pieces, and a line that is always too long holds nothing up")
    func tooMuch() async throws {
        let collector = try StandInCollector()
        collector.take(atMost: 2000)
        let destination = try AuditDestination(collector.url)
        try write(0..<40)
        try append(["number": 40, "text": .string(String(repeating: "x", count: 5000))])
        try write(41..<60)
        let running = Task { await forwarder(destination, collectorSink(collector.url)).run() }
        #expect(await eventually { numbers(collector).last == 59 })
        #expect(numbers(collector) == Array(0..<40) + Array(41..<60))
        #expect(await eventually { (try? AuditCopyState.read(destination, home.paths))?.skipped == 1 })
        running.cancel()
        await running.value
    }

    @Test("two processes send each line once, and the second takes over from the first")
    func two() async throws {
        let collector = try StandInCollector()
        let destination = try AuditDestination(collector.url)
        let sink = collectorSink(collector.url)
        let first = Task { await forwarder(destination, sink).run() }
        try write(0..<5)
        #expect(await eventually { numbers(collector).count == 5 })
        let second = Task { await forwarder(destination, sink).run() }
        try write(5..<10)
        #expect(await eventually { numbers(collector).count == 10 })
        first.cancel()
        await first.value
        try write(10..<15)
        #expect(await eventually { numbers(collector).count == 15 })
        second.cancel()
        await second.value
        #expect(numbers(collector) == Array(0..<15))
    }

    /// Has taken what it was sent, and says so when the test lets it.
    private final class SlowToConfirm: AuditSink {
        private let taken = Mutex<[Int]>([])
        private let gate = OneShot<Void>()
        private let isOpen = Mutex(false)
        var counts: [Int] { taken.withLock { $0 } }
        func confirm() { gate.resolve(()) }

        func send(_ lines: [ArraySlice<UInt8>]) async throws(AuditSinkFault) {
            taken.withLock { $0.append(lines.count) }
            if !isOpen.withLock({ open in
                defer { open = true }
                return open
            }) {
                await gate.wait()
            }
            if Task.isCancelled { throw AuditSinkFault("cut off") }
        }
    }

    @Test("lines that are under way when a process is to end are waited for, and not sent again by the next one")
    func lastLines() async throws {
        let destination = try AuditDestination("https://log.example/x")
        let sink = SlowToConfirm()
        try write(0..<5)
        let first = Task { await forwarder(destination, sink).run() }
        #expect(await eventually { sink.counts == [5] })
        first.cancel()
        sink.confirm()
        await first.value
        let state = try AuditCopyState.read(destination, home.paths)
        #expect(state.position.number == 5 && state.fault == nil)
        try write(5..<7)
        let next = Task { await forwarder(destination, sink).run() }
        #expect(await eventually { sink.counts.reduce(0, +) >= 7 })
        next.cancel()
        await next.value
        #expect(sink.counts.reduce(0, +) == 7)
    }

    @Test("a process that ends sends the lines that it wrote last, unless the destination is away")
    func flush() async throws {
        let destination = try AuditDestination("file:\(home.path)/copy")
        var rests = AuditForwarder.Rests()
        (rests.look, rests.last) = (.seconds(600), .seconds(120))
        let forwarder = AuditForwarder(
            to: destination, by: FileSink(path: home.path + "/copy", isAfterFault: false), of: audit,
            paths: home.paths, log: .off,
            rests: rests)
        try write(0..<1)
        let running = Task { await forwarder.run() }
        // From here on it rests.
        #expect(await eventually { (try? AuditCopyState.read(destination, home.paths))?.position.number == 1 })
        try write(1..<3)
        running.cancel()
        await running.value
        #expect(try ProtectedFile.read(home.path + "/copy") == ProtectedFile.read(audit.path))
        #expect(try AuditCopyState.read(destination, home.paths).position.number == 3)
    }

    @Test("a process that lives for one call sends what waits, also from files that are full, and nothing twice")
    func rest() async throws {
        let path = home.path + "/copies.jsonl"
        let small = AuditLog(path: home.paths.auditLog, fileLimit: 1_000)
        func append(_ number: Int) throws(MMError) {
            try small.append(["operation": "run", "number": .int(Int64(number))])
        }
        for number in 1...20 { try append(number) }
        let copies = AuditCopies(
            environment: ["MM_AUDIT_TO": "file:\(path)"], audit: small, paths: home.paths, log: .off)
        func lines() throws -> [Int?] {
            try (ProtectedFile.read(path) ?? []).split(separator: 0x0A).map { line in
                let entry: JSONValue? = try? JSONParser.parse(Array(line))
                return entry?["number"]?.int
            }
        }
        await copies.sendRest()
        #expect(try lines() == (1...20).map { $0 })
        await copies.sendRest()
        try append(21)
        await copies.sendRest()
        #expect(try lines() == (1...21).map { $0 })
    }

    @Test("processes that end at once try a destination that was away again after a minute")
    func restAfterFault() async throws {
        let path = home.path + "/log"
        let copies = AuditCopies(
            environment: ["MM_AUDIT_TO": "unix:\(path)"], audit: audit, paths: home.paths, log: .off)
        try write(0..<2)
        await copies.sendRest()
        #expect(try copies.states().first?.state.fault != nil)
        let server = try SyslogServer(.unix(path))
        await copies.sendRest()
        #expect(try copies.states().first?.state.position == .start)
        await copies.sendRest(at: .now + .seconds(61))
        #expect(await eventually { server.messages.count == 2 })
        let state = try #require(try copies.states().first)
        #expect(state.state.fault == nil && state.waiting == 0)
    }

    @Test("a destination that is noted as away in the far future is tried: the clock was set back")
    func restAfterClockChange() async throws {
        let path = home.path + "/log"
        let copies = AuditCopies(
            environment: ["MM_AUDIT_TO": "unix:\(path)"], audit: audit, paths: home.paths, log: .off)
        try write(0..<2)
        await copies.sendRest()
        let server = try SyslogServer(.unix(path))
        await copies.sendRest(at: .now + .seconds(-86_400))
        #expect(await eventually { server.messages.count == 2 })
    }

    /// Blocks until the test lets it go, as a connection to a machine that answers nothing.
    private struct Blocking: AuditSink {
        let gate = OneShot<Void>()

        func send(_ lines: [ArraySlice<UInt8>]) async throws(AuditSinkFault) { await gate.wait() }
    }

    @Test("a process that ends doesn't wait for a destination that can't be interrupted")
    func blockedDestination() async throws {
        let destination = try AuditDestination("tcp://log.example:601")
        let sink = Blocking()
        var rests = AuditForwarder.Rests()
        rests.last = .milliseconds(1)
        try write(0..<2)
        await AuditForwarder(to: destination, by: sink, of: audit, paths: home.paths, log: .off, rests: rests)
            .sendRest()
        let state = try AuditCopyState.read(destination, home.paths)
        #expect(state.fault != nil && state.position == .start)
        sink.gate.resolve(())
    }

    @Test("the machine's log daemon gets each line after the program's name, as it reads messages of programs")
    func localSyslog() async throws {
        let path = home.path + "/log"
        let server = try SyslogServer(.unix(path))
        let destination = try AuditDestination("unix:\(path)")
        try write(0..<2)
        try append(["operation": "graph request", "outcome": "denied"])
        let running = Task { await forwarder(destination, SyslogSink(destination)).run() }
        #expect(await eventually { server.messages.count == 3 })
        running.cancel()
        await running.value
        let lines = try audit.following(.start, limit: 1 << 20).lines.map { String(decoding: $0, as: UTF8.self) }
        #expect(server.messages == zip(["<110>", "<110>", "<108>"], lines).map { "\($0)mm: \($1)" })
    }

    @Test("syslog servers get messages of RFC 5424", arguments: ["udp", "tcp"])
    func syslog(kind: String) async throws {
        let server = try SyslogServer(kind == "udp" ? .udp : .tcp)
        let destination = try AuditDestination("\(kind)://127.0.0.1:\(server.port)")
        try write(0..<20)
        try append(["operation": "graph request", "outcome": "denied"])
        let running = Task { await forwarder(destination, SyslogSink(destination)).run() }
        #expect(await eventually { server.messages.count == 21 })
        running.cancel()
        await running.value
        let lines = try audit.following(.start, limit: 1 << 20).lines.map { String(decoding: $0, as: UTF8.self) }
        for (message, line) in zip(server.messages, lines) {
            let parts = message.split(separator: " ", maxSplits: 7, omittingEmptySubsequences: false).map(String.init)
            let last = line == lines.last
            #expect(parts.first == (last ? "<108>1" : "<110>1"))
            let time = (try? JSONParser.parse(line))?["time"]?.string
            #expect(parts[1] == time)
            #expect(parts[2] == SyslogMessage.host && parts[3] == "mm" && parts[4] == "-" && parts[6] == "-")
            #expect(parts[5] == (last ? "graphrequest" : "run"))
            #expect(parts[7] == line)
        }
    }

    @Test("many lines at once don't overrun a server's buffer for datagrams")
    func pacedDatagrams() async throws {
        let server = try SyslogServer(.udp)
        defer { server.stop() }
        let sink = SyslogSink(try AuditDestination("udp://127.0.0.1:\(server.port)"))
        try write(0..<161)
        let lines = try audit.following(.start, limit: 1 << 20).lines
        let begun = ContinuousClock.now
        try await sink.send(lines)
        #expect(begun.duration(to: .now) >= .milliseconds(50))
    }

    @Test("lines wait while a syslog server is away, and all of them come when it is back")
    func restartedServer() async throws {
        let first = try SyslogServer(.tcp)
        let port = first.port
        let destination = try AuditDestination("tcp://127.0.0.1:\(port)")
        try write(0..<5)
        let running = Task { await forwarder(destination, SyslogSink(destination)).run() }
        #expect(await eventually { first.messages.count == 5 })
        // A connection to a server that is gone: whatever it had not acknowledged comes again.
        first.stop()
        let second = Mutex<SyslogServer?>(nil)
        try write(5..<10)
        #expect(
            await eventually {
                guard let server = try? SyslogServer(.tcp, port: port) else { return false }
                second.withLock { $0 = server }
                return true
            })
        try write(10..<15)
        let seen = { second.withLock { $0?.messages ?? [] } }
        #expect(await eventually { seen().contains { $0.contains("\"number\":14,") } })
        running.cancel()
        await running.value
        let all = Set(
            (first.messages + seen()).compactMap { message in
                message.firstRange(of: "{").map { String(message[$0.lowerBound...]) }
            })
        #expect(all.count == 15)
    }

    @Test("lines wait while a server, or the balancer before it, ends each new connection")
    func endedConnections() async throws {
        let server = try SyslogServer(.tcp, isClosing: true)
        let destination = try AuditDestination("tcp://127.0.0.1:\(server.port)")
        try write(0..<3)
        let running = Task { await forwarder(destination, SyslogSink(destination)).run() }
        #expect(await eventually { (try? AuditCopyState.read(destination, home.paths))?.fault != nil })
        running.cancel()
        await running.value
        #expect(try AuditCopyState.read(destination, home.paths).position == .start)
    }

    @Test("a file gets the lines as they are, and only its owner reads it")
    func file() async throws {
        let path = home.path + "/copies/audit.jsonl"
        let destination = try AuditDestination("file:\(path)")
        try write(0..<300)
        let running = Task { await forwarder(destination, FileSink(path: path, isAfterFault: false)).run() }
        let whole = try #require(try ProtectedFile.read(audit.path))
        #expect(await eventually { (try? ProtectedFile.read(path)) == whole })
        running.cancel()
        await running.value
        // The chain is whole; the head stands beside the log itself alone.
        let copied = try AuditLog(path: path).verify()
        #expect(copied.entries == 300 && copied.broken?.reason.contains("the .head file is missing") == true)
        #expect(try ProtectedFile.tighten(path) == false)
        #expect(try ProtectedFile.tighten(AuditCopyState.path(of: destination, home.paths)) == false)
    }

    @Test("destinations are read as people write them, and wrong ones are named with what is right")
    func destinations() throws {
        func all(_ text: String) throws -> [AuditDestination] {
            try AuditDestination.all(environment: ["MM_AUDIT_TO": text])
        }
        #expect(try all("").isEmpty)
        #expect(
            try all(
                "syslog, udp://log.example tcp://[::1]:6514/ file:///var/log/mm.jsonl,https://x.example/y?k=1 syslog tls://log.example"
            )
                == [
                    .localSyslog(path: "/dev/log"), .syslogOverUDP(host: "log.example", port: 514),
                    .syslogOverTCP(host: "::1", port: 6514), .file(path: "/var/log/mm.jsonl"),
                    .collector(url: "https://x.example/y?k=1"), .syslogOverTLS(host: "log.example", port: 6514),
                ])
        #expect(try all("https://x.example/y?k=1").first?.name == "https://x.example/y")
        for wrong in [
            "tls://", "tls://log.example:0", "udp://", "tcp://host:0", "tcp://host:x", "file:relative", "file:/folder/",
            "ftp://x",
            "https://", "https://user:secret@x.example", "unix:log", "nonsense",
        ] {
            #expect(throws: MMError.self, "\(wrong)") { try all(wrong) }
        }
        let copies = AuditCopies(
            environment: ["MM_AUDIT_TO": "nonsense"], audit: audit, paths: home.paths, log: .off)
        #expect(copies.fault?.hint?.contains("syslog") == true)
    }
}
