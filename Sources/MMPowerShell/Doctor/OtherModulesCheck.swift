import Glibc
import MMCore
import MMSystem

extension DoctorCheck {
    /// Cmdlets that run in the sessions of other modules.
    static let otherModules: [DoctorCheck] = [
        DoctorCheck(.commands, "objects for another session keep their properties and the names of their types") {
            bench in
            var command = PowerShellCommand("[pscustomobject]@{ Name = 'Ann'; Count = 3 }; Get-Item /")
            command.format = .objects
            let answer = try await bench.host().answer(command, deadline: .after(.seconds(60)))
            let texts = answer.values.compactMap(\.string)
            try demand(texts.count == 2 && texts.allSatisfy { $0.hasPrefix("<Objs") }, "it gave \(answer.values)")
            try demand(texts[0].contains("<I32 N=\"Count\">3</I32>"), "the number is missing: \(texts[0])")
            try demand(texts[1].contains("System.IO.DirectoryInfo"), "the type is missing: \(texts[1].prefix(300))")
            return ""
        },
        DoctorCheck(.commands, "a cmdlet of another session is called over the wire, and what it puts out arrives") {
            bench in
            try await called(bench, constrained: false)
        },
        DoctorCheck(.commands, "so it is in constrained language") { bench in try await called(bench, constrained: true)
        },
    ]

    /// The output of the cmdlet: an object as PowerShell writes it, one as the native engine does, a warning and an
    /// error.
    private static let frames = [
        #"{"t":"object","v":"<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\"><Obj RefId=\"0\"><TN RefId=\"0\"><T>Contoso.Widget</T><T>System.Object</T></TN><MS><S N=\"Name\">first</S><I32 N=\"Size\">7</I32></MS></Obj></Objs>"}"#,
        #"{"t":"value","v":{"Name":"second","Tags":["a","b"]}}"#, #"{"t":"warning","v":"mind this"}"#,
        #"{"t":"error","message":"third is missing","id":"NotThere,Get-MMWidget","category":"ObjectNotFound","target":"third"}"#,
    ]

    private static func called(_ bench: DoctorBench, constrained: Bool) async throws -> String {
        let service = try CalledService(answering: frames)
        var settings = bench.settings
        settings.environment["HTTPS_PROXY"] = "http://session:secret@127.0.0.1:\(service.port)"
        var command = PowerShellCommand(
            """
            $more = @{ Filter = "it's"; All = $true }
            $r = @(Get-MMWidget ann -Top 5 -Since ([datetime]'2024-02-03') @more -ErrorAction SilentlyContinue -ErrorVariable e -WarningAction SilentlyContinue -WarningVariable w)
            "$($r.Count) $($r[0].Name) $($r[0].Size) $($r[0].PSTypeNames[0]) $($r[1].Tags[1]) $($e[0].Exception.Message) $($e[0].CategoryInfo.Category) $w"
            (1..2 | Get-MMWidget -ErrorAction Ignore -WarningAction Ignore | Select-Object -First 1).Name
            $null = Get-MMWidget ann, bob -ErrorAction Ignore -WarningAction Ignore
            $null = Get-MMWidget @('ann') -None @() -Raw ([byte[]](1, 2)) -ErrorAction Ignore -WarningAction Ignore
            """)
        command.needs.elsewhere = ["get-mmwidget"]
        let answer = try await bench.withFreshHost(settings) { [command] host in
            if constrained { try await host.constrain(deadline: .after(.seconds(60))) }
            return try await host.answer(command, deadline: .after(.seconds(60)))
        }
        let calls = await service.close()
        try demand(
            answer.values == [
                "2 first 7 Deserialized.Contoso.Widget b third is missing ObjectNotFound mind this", "first",
            ] || answer.values == ["2 first 7 Contoso.Widget b third is missing ObjectNotFound mind this", "first"],
            "it gave \(answer.values) \(answer.problem ?? "")")
        try demand(calls.count == 4, "\(calls.count) calls came")
        let words = (calls[0]["arguments"]?.array ?? []).map { JSONWriter.string($0) }
        try demand(
            words.contains { $0.contains("ann") } && words.contains { $0.contains("\"Top\"") }
                && words.contains { $0.contains("it's") } && words.contains { $0.contains("2024-02-03T00:00:00") }
                && words.contains { $0.contains("\"All\"") }, "the arguments were \(words)")
        try demand(calls[1]["input"]?.array?.count == 2, "what was piped in was \(calls[1]["input"] ?? .null)")
        let lists = calls[2...].map { ($0["arguments"]?.array ?? []).compactMap { $0["value"] } }
        let (ann, bob): (JSONValue, JSONValue) = (["t": "text", "v": "ann"], ["t": "text", "v": "bob"])
        try demand(lists[0] == [["t": "list", "v": [ann, bob]]], "a list of two came as \(lists[0])")
        try demand(
            lists[1] == [["t": "list", "v": [ann]], ["t": "list", "v": []], ["t": "bytes", "v": "AQI="]],
            "lists of one and of none, and bytes, came as \(lists[1])")
        return ""
    }
}

/// A server in place of the session's proxy: it accepts calls of cmdlets and answers each with the same frames.
private final class CalledService: Sendable {
    let port: UInt16
    private let listener: PolledListener
    private let serving: Task<[JSONValue], Never>

    init(answering frames: [String]) throws(MMError) {
        let listener = try PolledListener(loopback: ())
        (self.listener, port) = (listener, listener.port)
        serving = Task {
            var calls: [JSONValue] = []
            while let raw = try? await listener.accept().release() {
                let socket = FileDescriptor(owning: raw)
                let call = try? await BlockingWork.run { () throws(MMError) in Self.serve(socket.raw, frames) }
                if let call { calls.append(call) }
            }
            return calls
        }
    }

    /// Stops the server and returns the calls that it received.
    func close() async -> [JSONValue] {
        listener.close()
        serving.cancel()
        return await serving.value
    }

    /// Reads one complete request and answers it.
    private static func serve(_ socket: Int32, _ frames: [String]) -> JSONValue {
        _ = fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) & ~O_NONBLOCK)
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 65_536)
        var body: ArraySlice<UInt8>?
        while body == nil {
            let count = read(socket, &room, room.count)
            guard count > 0 else { return .null }
            bytes += room[..<count]
            body = Self.body(of: bytes)
        }
        let text = frames.joined(separator: "\n") + "\n"
        let answer = Array(
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nContent-Length: \(text.utf8.count)\r\nConnection: close\r\n\r\n\(text)"
                .utf8)
        _ = answer.withUnsafeBytes { write(socket, $0.baseAddress, $0.count) }
        return body.flatMap { try? JSONParser.parse(Array($0)) } ?? .null
    }

    /// Returns the body once it has arrived completely; otherwise `nil`.
    private static func body(of bytes: [UInt8]) -> ArraySlice<UInt8>? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
        let head = text[..<end.lowerBound].utf8.count + 4
        let length = text[..<end.lowerBound].split(separator: "\r\n").lazy
            .filter { $0.lowercased().hasPrefix("content-length:") }
            .compactMap { Int($0.dropFirst(15).filter { $0 != " " }) }.first
        guard let length, bytes.count >= head + length else { return nil }
        return bytes[head..<(head + length)]
    }
}
