import Glibc
import TestSupport
import Testing

@testable import MMCore

@Suite("The registry file", .timeLimit(.minutes(5)))
struct ConnectionRegistryTests {
    let folder: TestFolder
    let registry: ConnectionRegistry

    init() throws {
        folder = try TestFolder()
        registry = ConnectionRegistry(path: folder["connections.json"])
    }

    private func add(_ name: String, to registry: ConnectionRegistry) throws {
        try registry.edit { document throws(MMError) in try RegistryEdit.add(name, fields: [], to: &document) }
    }

    @Test("without a file there are no connections; the first edit creates it with mode 0600")
    func missing() throws {
        #expect(try registry.snapshot().names.isEmpty)
        try add("A", to: registry)
        #expect(folder.text("connections.json") == "{\n  \"connections\": {\n    \"A\": {}\n  }\n}\n")
        #expect(folder.mode("connections.json") == 0o600)
        #expect(folder.text("connections.json.bak") == nil)
    }

    @Test("an edit keeps unknown keys, order, free texts and mode, and one backup")
    func faithful() throws {
        let text = """
            {
              "_schema": "v2 – für Menschen",
              "_rules": [
                "one",
                "two"
              ],
              "connections": {
                "Zeta": {
                  "x-team": {
                    "cost": 1.0,
                    "big": 123456789012345678901234567890
                  },
                  "tenant": "zeta.example",
                  "mcps": []
                },
                "Alpha": {
                  "description": "a \\"quoted\\" text"
                }
              },
              "_last": null
            }

            """
        try folder.write("connections.json", text, mode: 0o644)
        try registry.edit { document throws(MMError) in
            try RegistryEdit.edit("Alpha", fields: [("tenant", "alpha.example")], in: &document)
        }
        let expected = text.replacing(
            "a \\\"quoted\\\" text\"", with: "a \\\"quoted\\\" text\",\n      \"tenant\": \"alpha.example\"")
        #expect(folder.text("connections.json") == expected)
        #expect(folder.mode("connections.json") == 0o644)
        #expect(folder.text("connections.json.bak") == text)
        #expect(try folder.names() == ["connections.json", "connections.json.bak", "connections.json.lock"])
    }

    @Test("a file that Python wrote keeps its escapes and numbers")
    func escaped() throws {
        let text = #"""
            {
              "connections": {
                "M\u00fcnchen": {
                  "description": "\ud83d\ude00 \u2013 a\\u0041",
                  "x": [
                    1e2,
                    1.50,
                    -0.0
                  ]
                }
              }
            }

            """#
        try folder.write("connections.json", text)
        try registry.edit { document throws(MMError) in
            try RegistryEdit.edit("M\u{FC}nchen", fields: [("tags", "\u{E9}")], in: &document)
        }
        let expected = text.replacing("]\n    }", with: "],\n      \"tags\": [\n        \"\\u00e9\"\n      ]\n    }")
        #expect(folder.text("connections.json") == expected)
    }

    @Test(
        "a file keeps its byte order mark, line ends and indentation",
        arguments: [
            ("\u{FEFF}{\r\n    \"connections\": {\r\n        \"A\": {}\r\n    }\r\n}\r\n", "    ", "\r\n"),
            ("{\n \"connections\": {\n  \"A\": {}\n }\n}\n", " ", "\n"),
            ("\u{FEFF}{\n  \"connections\": {\n    \"A\": {}\n  }\n}\n", "  ", "\n"),
        ])
    func style(text: String, blanks: String, lineEnd: String) throws {
        try folder.write("connections.json", text)
        try registry.edit { document throws(MMError) in
            try RegistryEdit.edit("A", fields: [("description", "one line, \u{FC}")], in: &document)
        }
        let three = blanks + blanks + blanks
        let expected = text.replacing(
            "{}", with: "{\(lineEnd)\(three)\"description\": \"one line, \u{FC}\"\(lineEnd)\(blanks)\(blanks)}")
        #expect(folder.text("connections.json") == expected)
    }

    @Test("a file that can't be written back unchanged isn't edited, and the place is reported")
    func halfSurrogate() throws {
        let text = #"{"connections":{"A":{"x":"a\ud800b"}}}"#
        try folder.write("connections.json", text)
        #expect(try registry.snapshot().names == ["A"])
        let error = mmError {
            try registry.edit { document throws(MMError) in
                try RegistryEdit.edit("A", fields: [("description", "x")], in: &document)
            }
        }
        #expect(error?.code == .invalidInput)
        #expect(error?.details["column"] == 28)
        #expect(folder.text("connections.json") == text)
    }

    @Test("a connection that isn't in the file can be used by name by every caller, but isn't listed")
    func implied() throws {
        try folder.write("connections.json", "{\"connections\":{\"A\":{}}}")
        registry.imply(try Connection(name: "Local", entry: [:]))
        for server in [nil, "mm"] {
            #expect(try registry.snapshot().connection(named: "Local", for: server).name == "Local")
        }
        #expect(try registry.snapshot().names == ["A"])
    }

    @Test("an edit that changes nothing writes nothing")
    func unchanged() throws {
        try folder.write("connections.json", "{\"connections\":{\"A\":{}}}")
        try registry.edit { _ throws(MMError) in }
        #expect(folder.text("connections.json") == "{\"connections\":{\"A\":{}}}")
        #expect(folder.text("connections.json.bak") == nil)
    }

    @Test("an edit that fails leaves everything as it was")
    func failing() throws {
        try folder.write("connections.json", "{\"connections\":{\"A\":{}}}")
        let error = mmError {
            try registry.edit { document throws(MMError) in
                document["connections"] = [:]
                throw MMError(.conflict, "stop")
            }
        }
        #expect(error?.code == .conflict)
        #expect(
            mmError { try registry.edit { document throws(MMError) in document["connections"] = [] } }?.code
                == .invalidInput)
        #expect(folder.text("connections.json") == "{\"connections\":{\"A\":{}}}")
    }

    @Test(
        "a broken file is reported with line, column and remedy, and never overwritten",
        arguments: [
            ("{\n  \"connections\": {\n    \"A\": {},\n  }\n}\n", "line 4, column 3"), ("{", "line 1, column 2"),
            ("{\"connections\": {}} x", "line 1, column 21"), ("", "is empty"), (" \n\t", "is empty"),
            ("[]", "an array"),
            ("{\"connections\": []}", "an array"), ("{\"connections\": {\"A\": {}}}\u{0}", "line 1, column 27"),
            ("{\"connections\": 'A'}", "line 1, column 17"),
        ])
    func broken(text: String, place: String) throws {
        try folder.write("connections.json", text)
        for error in [mmError { _ = try registry.snapshot() }, mmError { try add("New", to: registry) }] {
            #expect(error?.code == .invalidInput)
            #expect(error?.message.contains(place) == true)
            #expect(
                error?.message.contains("connections.json") == true || error?.message.contains("'connections'") == true)
            #expect(error?.hint?.isEmpty == false)
        }
        #expect(folder.text("connections.json") == text)
        #expect(folder.text("connections.json.bak") == nil)
        #expect(RegistryCheck.problems(at: registry.path).first?.severity == .error)
    }

    @Test("invalid UTF-8 breaks the file too")
    func notUTF8() throws {
        try folder.write("connections.json", Array("{\"connections\": {\"A".utf8) + [0xFF] + Array("\": {}}}".utf8))
        #expect(mmError { _ = try registry.snapshot() }?.code == .invalidInput)
    }

    @Test("of equal names the last counts, it is reported, and the file can't be edited")
    func repeated() throws {
        let text = "{\"connections\": {\n \"A\": {\"tenant\": \"a.com\"},\n \"A\": {\"tenant\": \"b.com\"}}}"
        try folder.write("connections.json", text)
        #expect(try registry.snapshot().connection(named: "A").tenant == "b.com")
        #expect(mmError { try add("B", to: registry) }?.message.contains("line 3, column 2") == true)
        #expect(folder.text("connections.json") == text)
        #expect(RegistryCheck.problems(at: registry.path).contains { $0.message.contains("repeated key") })
    }

    @Test("the command lines in the hints of the check can be used as they are")
    func hints() throws {
        try folder.write("connections.json", #"{"connections": {"O'Neil": {}}}"#)
        let hints = RegistryCheck.problems(at: registry.path).map(\.hint)
        for flag in ["--tenant", "--expected-email"] {
            let line = "mm connections edit \(ShellWord.quoted("O'Neil")) \(flag)"
            #expect(hints.contains { $0.contains(line) }, "\(hints)")
        }
    }

    @Test(
        "huge, linked, special and foreign files are refused and not changed",
        arguments: ["huge", "link", "fifo", "folder", "foreign"])
    func unusable(kind: String) throws {
        let path = folder["connections.json"]
        switch kind {
        case "huge":
            let file = Descriptor(owning: open(path, O_WRONLY | O_CREAT, 0o600))
            #expect(ftruncate(file.number, 1 << 40) == 0)
        case "link":
            try folder.write("real.json", "{\"connections\":{}}")
            #expect(symlink(folder["real.json"], path) == 0)
        case "fifo": #expect(mkfifo(path, 0o600) == 0)
        case "folder": #expect(mkdir(path, 0o700) == 0)
        default:
            guard geteuid() == 0 else {
                return print("skipped: a registry that belongs to another user: needs root")
            }
            try folder.write("connections.json", "{}")
            #expect(chown(path, 65534, 65534) == 0)
        }
        let expected: [MMErrorCode] = kind == "huge" ? [.limitExceeded] : [.forbidden, .invalidInput]
        for error in [mmError { _ = try registry.snapshot() }, mmError { try add("A", to: registry) }] {
            #expect(error.map { expected.contains($0.code) } == true)
            #expect(error?.hint?.isEmpty == false)
        }
        #expect(try folder.names().contains("connections.json"))
        #expect(folder.text("real.json") == (kind == "link" ? "{\"connections\":{}}" : nil))
    }

    @Test("an unreadable file says so", .enabled(if: geteuid() != 0, "root may read anything"))
    func unreadable() throws {
        try folder.write("connections.json", "{\"connections\":{}}", mode: 0)
        #expect(mmError { _ = try registry.snapshot() }?.code == .forbidden)
        #expect(mmError { try add("A", to: registry) }?.code == .forbidden)
    }

    @Test("changes are seen at once, whatever made them")
    func changes() throws {
        try folder.write("connections.json", "{\"connections\":{\"A\":{}}}")
        #expect(try registry.snapshot().names == ["A"])
        for round in 0..<200 {
            // Same length and written in place: only the times differ.
            try folder.write("connections.json", "{\"connections\":{\"\(round % 10)\":{}}}")
            #expect(try registry.snapshot().names == ["\(round % 10)"])
        }
        try ProtectedFile.replace(folder["connections.json"], with: Array("{\"connections\":{\"B\":{}}}".utf8))
        #expect(try registry.snapshot().names == ["B"])
        #expect(rename(folder["connections.json"], folder["away.json"]) == 0)
        #expect(try registry.snapshot().names.isEmpty)
        try folder.write("connections.json", "{")
        #expect(mmError { _ = try registry.snapshot() } != nil)
        #expect(rename(folder["away.json"], folder["connections.json"]) == 0)
        #expect(try registry.snapshot().names == ["B"])
    }

    @Test("an unchanged file is read once")
    func cached() throws {
        try folder.write("connections.json", "{\"connections\":{\"A\":{}}}")
        var times = [timeval(tv_sec: 1000, tv_usec: 0), timeval(tv_sec: 1000, tv_usec: 0)]
        #expect(utimes(folder["connections.json"], &times) == 0)
        // The change time can't be set: wait until it is in the past.
        while try FileStamp.of(registry.path)?.isStable == false { usleep(5000) }
        _ = try registry.snapshot()
        let entries = (0..<20_000).map { "\"Tenant-\($0)\": {}" }.joined(separator: ",")
        try folder.write("connections.json", "{\"connections\":{\(entries)}}")
        while try FileStamp.of(registry.path)?.isStable == false { usleep(5000) }
        var counts: [Int] = []
        let first = try ContinuousClock().measure { counts.append(try registry.snapshot().names.count) }
        let again = try (0..<5).map { _ in
            try ContinuousClock().measure { counts.append(try registry.snapshot().names.count) }
        }
        #expect(counts == Array(repeating: 20_000, count: 6))
        #expect(again.contains { $0 < first / 10 })
    }

    @Test("two concurrent writers lose nothing")
    func racing() async throws {
        let path = registry.path
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<2 {
                group.addTask {
                    let own = ConnectionRegistry(path: path)
                    for number in 0..<15 { try add("W\(writer)-\(number)", to: own) }
                }
            }
            try await group.waitForAll()
        }
        #expect(try registry.snapshot().names.count == 30)
        #expect(try ConnectionRegistry(path: folder["connections.json.bak"]).snapshot().names.count == 29)
    }
}
