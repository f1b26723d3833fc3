import Glibc
import TestSupport
import Testing

@testable import MMCore

@Suite("Full files of an audit log", .timeLimit(.minutes(5)))
struct AuditRotationTests {
    private let folder: TestFolder
    private let path: String

    init() throws {
        folder = try TestFolder()
        path = folder["state/audit.jsonl"]
    }

    private func log(_ limit: Int = 2_000) -> AuditLog { AuditLog(path: path, fileLimit: limit) }

    private func add(_ count: Int, to log: AuditLog) throws {
        func append(_ entry: JSONObject) throws(MMError) { try log.append(entry) }
        for _ in 0..<count { try append(["operation": "graph_request", "connection": "Contoso"]) }
    }

    private var full: [String] {
        get throws { try AuditParts.full(of: path).map(\.name) }
    }

    @Test("a large file is set aside, and the chain continues in the next one")
    func chain() throws {
        let log = log()
        try add(60, to: log)
        #expect(try full.count > 3)
        let found = try log.verify()
        #expect(found.isSound && found.entries == 60 && found.lostHeads.isEmpty, "\(found)")
        #expect(try found.fullFiles == full.count)
        #expect(try log.entries(limit: 100).map { $0["seq"]?.int } == (1...60).map { $0 })
        #expect(try log.newest(55).map { $0["seq"]?.int } == (6...60).map { $0 })
        for name in try full + ["audit.jsonl"] {
            #expect(folder.mode("state/\(name)") == 0o600)
            #expect((folder.bytes("state/\(name)") ?? []).count < 3_000)
        }
    }

    @Test("several writers set a file aside once, and lose no line")
    func writers() async throws {
        let logs = (0..<4).map { _ in log(5_000) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for log in logs {
                group.addTask { for _ in 0..<100 { try await log.append(["operation": "run"]) } }
            }
            try await group.waitForAll()
        }
        let found = try logs[0].verify()
        #expect(found.isSound && found.entries == 400, "\(found)")
        #expect(try full.count > 5)
    }

    @Test("lines can be waited for until they are on disk, before the first one and while files are set aside")
    func synced() async throws {
        let log = log()
        try log.sync()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<20 {
                        try await log.append(["operation": "run"])
                        try log.sync()
                    }
                }
            }
            try await group.waitForAll()
        }
        let found = try log.verify()
        #expect(found.isSound && found.entries == 80, "\(found)")
        #expect(try full.count > 3)
    }

    @Test("changed, removed and swapped lines in a full file are found there")
    func tampering() throws {
        let log = log()
        try add(40, to: log)
        let names = try full
        let (first, second) = (names[0], names[1])
        let (one, two) = (folder.bytes("state/\(first)") ?? [], folder.bytes("state/\(second)") ?? [])
        try folder.write("state/\(second)", two.map { $0 == UInt8(ascii: "g") ? UInt8(ascii: "h") : $0 })
        #expect(try log.verify().broken?.file == second)
        #expect(try log.verify().broken?.line == 1)
        try folder.write(
            "state/\(second)", Array(two.split(separator: 0x0A).dropLast().joined(separator: [0x0A])) + [0x0A])
        #expect(try !log.verify().isSound)
        try folder.write("state/\(second)", one)
        try folder.write("state/\(first)", two)
        #expect(try log.verify().broken?.file == first)
        try folder.write("state/\(second)", two)
        try folder.write("state/\(first)", one)
        #expect(try log.verify().isSound)
        try ProtectedFile.remove(folder["state/\(second)"])
        #expect(try !log.verify().isSound)
    }

    @Test("nothing is lost if a process dies before the next file has a line", arguments: [false, true])
    func died(loses head: Bool) throws {
        let log = log()
        try add(5, to: log)
        #expect(rename(path, AuditParts.name(path, last: 5)) == 0)
        if head { try ProtectedFile.remove(path + ".head") }
        let other = self.log()
        try add(2, to: other)
        let found = try other.verify()
        #expect(found.isSound && found.entries == 7, "\(found)")
        #expect(found.lostHeads == (head ? [6] : []))
    }

    @Test("a reader continues from file to file, and gets each line once", arguments: [1, 300, 1 << 20])
    func following(limit: Int) throws {
        let log = log()
        var position = AuditPosition.start
        var seen: [Int?] = []
        for _ in 0..<6 {
            try add(9, to: log)
            let waiting = try log.bytes(after: position)
            #expect(waiting > 0)
            var pieces = 0
            while true {
                let piece = try log.following(position, limit: limit)
                #expect(!piece.isOtherFile)
                if piece.lines.isEmpty { break }
                seen += piece.lines.map { line in (try? JSONParser.parse(Array(line)))?["seq"]?.int }
                position = piece.position
                pieces += 1
                // The second reader is far behind.
                if seen.count == 3 { break }
            }
        }
        while case let piece = try log.following(position, limit: limit), !piece.lines.isEmpty {
            seen += piece.lines.map { line in (try? JSONParser.parse(Array(line)))?["seq"]?.int }
            position = piece.position
        }
        #expect(seen == (1...54).map { $0 })
        #expect(try log.bytes(after: position) == 0)
    }
}
