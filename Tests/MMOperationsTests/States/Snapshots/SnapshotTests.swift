import MMCore
import TestSupport
import Testing

@testable import MMOperations

@Suite("Snapshots", .timeLimit(.minutes(10)))
struct SnapshotTests {
    @Test("are the same byte for byte while the tenant is, in whatever order the service answers")
    func unchanged() async throws {
        let bench = try SnapshotBench(ModelTenant(perKind: 2))
        let first = try await bench.take("first")
        let files = try bench.files("first")
        #expect(files.count > SnapshotKind.all.count)
        for round in 0..<10 {
            bench.tenant.state.withLock { $0.isReversed = round % 2 == 0 }
            let other = try await bench.take("other")
            let isSame = try bench.files("other") == files
            #expect(isSame, "round \(round)")
            guard round < 2 else { continue }
            let difference = try SnapshotDifference(from: first, to: other)
            #expect(difference.findings.isEmpty)
            #expect(difference.compared.count == SnapshotKind.all.count { $0.service != .teams })
        }
    }

    @Test("hold neither what changes by itself nor secrets, and names in the place of ids")
    func content() async throws {
        let bench = try SnapshotBench()
        let folder = try await bench.take("first")
        let groups = try #require(SnapshotKind.named("groups"))
        let entries = try folder.entries(of: groups)
        let entry = try #require(entries.last)
        let object = try folder.object(entry)
        #expect(
            object["members"] == [
                "user0@contoso.example", "user1@contoso.example", "user2@contoso.example", "user3@contoso.example",
            ])
        #expect(object["words"] == ["a", "b", "c"])
        #expect(object["lastModifiedDateTime"] == nil)
        for (name, bytes) in try bench.files("first") {
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(!text.contains("Pa55w0rd"), "\(name)")
            #expect(!text.contains("@odata"), "\(name)")
            #expect(text.hasSuffix("}\n"), "\(name)")
        }
    }

    @Test("keep the id where two objects have the name that stands for it")
    func ambiguous() async throws {
        let bench = try SnapshotBench()
        let twin = ModelTenant.guid(777)
        bench.tenant.state.withLock { state in
            state.objects["groups"]?[0]["displayName"] = "Twin"
            state.objects["groups"]?[1]["displayName"] = "twin"
            let id = state.objects["groups"]?[0]["id"] ?? .null
            let other = state.objects["groups"]?[2]["id"] ?? .null
            state.objects["conditional-access"]?[0]["conditions"] = [
                "users": ["includeGroups": [id, other, .string(twin)], "includeUsers": ["All"]]
            ]
        }
        let folder = try await bench.take("first")
        let kind = try #require(SnapshotKind.named("conditional-access"))
        let entries = try folder.entries(of: kind)
        let policy = try folder.object(try #require(entries.first))
        let shown = policy["conditions"]?["users"]?["includeGroups"]?.array?.compactMap(\.string) ?? []
        let names = bench.tenant.state.withLock { state in
            [state.objects["groups"]?[0]["id"]?.string, state.objects["groups"]?[2]["displayName"]?.string, twin]
        }
        #expect(Set(shown.map(Optional.some)) == Set(names))
        #expect(policy["conditions"]?["users"]?["includeUsers"] == ["All"])
    }

    @Test("tell the change of an object's name once, and not again wherever it is referred to")
    func renamed() async throws {
        let bench = try SnapshotBench()
        bench.tenant.state.withLock { state in
            let id = state.objects["groups"]?[0]["id"] ?? .null
            state.objects["conditional-access"]?[0]["conditions"] = ["users": ["includeGroups": [id]]]
        }
        let first = try await bench.take("first")
        bench.tenant.state.withLock { $0.objects["groups"]?[0]["displayName"] = "Another name" }
        let second = try await bench.take("second")
        let findings = try SnapshotDifference(from: first, to: second).findings
        #expect(findings.map(\.kind.name) == ["groups"])
        #expect(findings.first?.difference.changes.map(\.path) == [["displayName"]])
        #expect(findings.first?.change == .changed)
    }

    @Test("have a file of its own for every object, whatever it is called")
    func fileNames() async throws {
        let names = [
            "Plain", "plain", "PLAIN", "a/b", "a\\b", "a_b", "..", ".", "", " ", "-rf", ".hidden", "line\nbreak",
            "tab\there", "nul", "CON", "con.txt", "é", "e\u{301}", "\u{202E}reversed",
            String(repeating: "x", count: 400),
            String(repeating: "x", count: 400) + "y", String(repeating: "ü", count: 300),
            "Plain (\(ModelTenant.guid(1)))",
            "../../etc/passwd", "%2e%2e", "$HOME", "a:b|c?d*e", "trailing.", "trailing ", "{id}",
        ]
        let kind = try #require(SnapshotKind.named("named-locations"))
        let tenant = ModelTenant(perKind: 0)
        tenant.state.withLock { state in
            state.objects[kind.name] = names.enumerated().map { number, name in
                ["id": .string(ModelTenant.guid(number)), "displayName": .string(name)]
            }
        }
        let bench = try SnapshotBench(tenant)
        let folder = try await bench.take("first", kinds: [kind])
        let entries = try folder.entries(of: kind)
        #expect(Set(entries.map(\.id)).count == names.count)
        for entry in entries {
            let file = String(entry.file.dropFirst(kind.name.count + 1))
            #expect(file.utf8.count <= 255)
            #expect(!file.contains("/") && !file.hasPrefix(".") && !file.hasPrefix("-"), "\(file)")
            #expect(!file.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202E }, "\(file)")
        }
        let folded = Set(entries.map { $0.file.lowercased() })
        #expect(folded.count == names.count)
        // The order in which the objects come changes no name.
        let before = try bench.files("first")
        tenant.state.withLock { $0.isReversed = true }
        try await bench.take("second", kinds: [kind])
        #expect(try bench.files("second") == before)
        #expect(try FolderListing.names(in: bench.home.path).sorted() == ["first", "second"])
    }

    @Test("leave out what is refused, with the reason, and don't take it for deleted")
    func refused() async throws {
        let bench = try SnapshotBench()
        let first = try await bench.take("first")
        bench.tenant.state.withLock { state in
            state.refused["device-compliance"] = MMError(.forbidden, "It may not be read.", details: ["status": 403])
        }
        let second = try await bench.take("second")
        #expect(second.header.leftOut["device-compliance"]?.reason == "It may not be read")
        let difference = try SnapshotDifference(from: first, to: second)
        #expect(difference.findings.isEmpty)
        #expect(difference.gaps.filter(\.isOneSided).map(\.kind) == ["device-compliance"])
        #expect(try SnapshotDifference(from: second, to: first).findings.isEmpty)
    }

    @Test(
        "are not written at all where a later attempt may succeed",
        arguments: [MMErrorCode.throttled, .unavailable, .cancelled, .deadlineExceeded])
    func broken(code: MMErrorCode) async throws {
        let bench = try SnapshotBench()
        try await bench.take("first")
        let files = try bench.files("first")
        bench.tenant.state.withLock { $0.refused["flows"] = MMError(code, "Not now.") }
        await #expect(throws: MMError.self) { try await bench.take("first") }
        await #expect(throws: MMError.self) { try await bench.take("second") }
        #expect(try bench.files("first") == files)
        #expect(!SnapshotFolder.exists("\(bench.home.path)/second"))
    }

    @Test("need no more requests than there are pages, and one for twenty relations")
    func requests() async throws {
        let kind = try #require(SnapshotKind.named("groups"))
        let bench = try SnapshotBench(ModelTenant(perKind: 90))
        try await bench.take("first", kinds: [kind])
        // 30 pages of three groups, with two relations each.
        #expect(bench.tenant.state.withLock { $0.requests } == 30 + 30)
    }
}
