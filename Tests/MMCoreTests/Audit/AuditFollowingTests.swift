import TestSupport
import Testing

@testable import MMCore

@Suite("Following an audit log")
struct AuditFollowingTests {
    private let home: TestHome
    private let log: AuditLog

    init() throws {
        home = try TestHome()
        log = AuditLog(path: home.path + "/audit.jsonl")
    }

    private func numbers(_ piece: AuditPiece) -> [Int?] {
        piece.lines.map { line in
            let entry: JSONValue? = try? JSONParser.parse(Array(line))
            return entry?["seq"]?.int
        }
    }

    @Test("each line comes once and in order, whatever the size of the pieces", arguments: [1, 64, 700, 1 << 20])
    func pieces(limit: Int) throws {
        #expect(try log.following(.start, limit: limit).lines.isEmpty)
        for number in 0..<20 { try log.append(["number": .int(Int64(number)), "text": "a line of the log"]) }
        var position = AuditPosition.start
        var seen: [Int?] = []
        while true {
            let piece = try log.following(position, limit: limit)
            #expect(!piece.isOtherFile)
            if piece.lines.isEmpty { break }
            seen += numbers(piece)
            position = piece.position
        }
        #expect(seen == (1...20).map { $0 })
        #expect(try log.bytes(after: position) == 0)
        try log.append(["late": true])
        #expect(try numbers(log.following(position, limit: limit)) == [21])
    }

    @Test("a torn line comes with the next whole one, and none comes twice")
    func torn() throws {
        try log.append(["first": true])
        let first = try log.following(.start, limit: 1 << 16)
        let whole = try #require(try ProtectedFile.read(log.path))
        try ProtectedFile.replace(log.path, with: whole + Array(#"{"seq":2,"ti"#.utf8))
        #expect(try log.following(first.position, limit: 1 << 16).lines.isEmpty)
        try log.append(["third": true])
        let next = try log.following(first.position, limit: 1 << 16)
        #expect(next.lines.count == 2 && !next.isOtherFile)
        let after = try log.following(next.position, limit: 1 << 16)
        #expect(after.lines.isEmpty && !after.isOtherFile)
    }

    @Test("another file with the same name is read from its start, and reported as another")
    func replaced() throws {
        for _ in 0..<5 { try log.append(["one": true]) }
        let position = try log.following(.start, limit: 1 << 16).position
        try ProtectedFile.remove(log.path)
        try ProtectedFile.remove(log.path + ".head")
        let other = AuditLog(path: log.path)
        for _ in 0..<6 { try other.append(["two, and longer": true]) }
        let piece = try other.following(position, limit: 1 << 16)
        #expect(piece.isOtherFile)
        #expect(numbers(piece) == (1...6).map { $0 })
        // Likewise if it is shorter than what was read.
        try ProtectedFile.remove(log.path)
        try ProtectedFile.remove(log.path + ".head")
        try AuditLog(path: log.path).append(["three": true])
        #expect(try numbers(AuditLog(path: log.path).following(position, limit: 1 << 16)) == [1])
    }
}
