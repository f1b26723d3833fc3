import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMOperations

@Suite("Drift", .timeLimit(.minutes(10)))
struct DriftTests {
    @Test(
        "finds and names each of five hundred changes, over all kinds and nothing else",
        arguments: [UInt64(1), 2, 3, 4])
    func injected(seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        let bench = try SnapshotBench()
        let baseline = try await bench.take("baseline")
        let kinds = SnapshotKind.all.filter { $0.service != .teams }
        let start = bench.tenant.state.withLock { $0 }
        var injected = 0
        while injected < 250 {
            // A change in every kind at a time, each of which must be told by its own name.
            bench.tenant.state.withLock { $0 = start }
            let expected = kinds.map { ($0, change($0, bench.tenant, &random)) }
            injected += expected.count
            let findings = try SnapshotDifference(from: baseline, to: try await bench.take("now")).findings
            #expect(findings.count == expected.count)
            for (kind, change) in expected {
                let own = findings.filter { $0.kind == kind }
                let found = own.map { "\($0.change.rawValue) \($0.id) \($0.difference.changes.map(\.path))" }
                #expect(own.map(\.change) == [change.change], "\(kind.name): \(found)")
                #expect(own.map(\.id) == [change.id], "\(kind.name): \(found)")
                let named = own.first?.difference.changes.first?.path.first
                if let property = change.property { #expect(named == property, "\(kind.name): \(found)") }
            }
        }
    }

    private struct Expected {
        let change: SnapshotFinding.Change
        let id: String
        var property: String?
    }

    /// Changes one thing.
    private func change(_ kind: SnapshotKind, _ tenant: ModelTenant, _ random: inout SeededRandom) -> Expected {
        let choice = Int.random(in: 0..<(kind.isSingle ? 4 : kind.relations.isEmpty ? 6 : 7), using: &random)
        let place = Int.random(in: 0..<(kind.isSingle ? 1 : 4), using: &random)
        return tenant.state.withLock { state in
            var rows = state.objects[kind.name] ?? []
            defer { state.objects[kind.name] = rows }
            let id = kind.id(of: rows[place])
            switch choice {
            case 0:
                rows[place]["mode"] = "off"
                return Expected(change: .changed, id: id, property: "mode")
            case 1:
                rows[place]["words"] = ["a", "b", "d"]
                return Expected(change: .changed, id: id, property: "words")
            case 2:
                rows[place]["nested"] = ["deep": ["flag": false, "address": "info@contoso.example"]]
                return Expected(change: .changed, id: id, property: "nested")
            case 3:
                rows[place]["newProperty"] = 7
                return Expected(change: .changed, id: id, property: "newProperty")
            case 4:
                rows.remove(at: place)
                return Expected(change: .removed, id: id)
            case 5:
                let new = ModelTenant.object(of: kind, number: 50_000, domain: "contoso.example")
                rows.append(new)
                return Expected(change: .added, id: kind.id(of: new))
            default:
                let relation = kind.relations[place % kind.relations.count]
                let path = relation.path.replacing("{id}", with: id)
                state.related[path, default: []].append([
                    "id": .string(ModelTenant.guid(9_019)), "userPrincipalName": "user19@contoso.example",
                ])
                return Expected(change: .changed, id: id, property: relation.name)
            }
        }
    }

    @Test("compares tenants by name: ids and their own domains are no difference, configuration is")
    func tenants() async throws {
        let bench = try SnapshotBench()
        let gold = try await bench.take("gold")
        let other = ModelTenant(id: ModelTenant.guid(2), domain: "fabrikam.test", offset: 20_000)
        let same = try SnapshotDifference(from: gold, to: try await bench.take("other", of: other))
        #expect(same.isBetweenTenants)
        let left = same.findings.filter { $0.kind.service != .exchange && $0.kind.service != .flow }
        #expect(left.isEmpty, "\(left.map { "\($0.kind.name) \($0.name) \($0.difference.lines)" })")
        other.state.withLock { $0.objects["conditional-access"]?[1]["state"] = "disabled" }
        let findings = try SnapshotDifference(
            from: gold, to: try await bench.take("other", of: other),
            kinds: [try #require(SnapshotKind.named("conditional-access"))]
        ).findings
        #expect(findings.map(\.change) == [.changed])
        #expect(findings.first?.difference.lines == [#"state: "enabled" → "disabled""#])
    }

    @Test("takes an object that was deleted and made again for a changed one")
    func madeAgain() async throws {
        let bench = try SnapshotBench()
        let kind = try #require(SnapshotKind.named("named-locations"))
        let first = try await bench.take("first", kinds: [kind])
        bench.tenant.state.withLock { $0.objects[kind.name]?[0]["id"] = .string(ModelTenant.guid(4_711)) }
        let findings = try SnapshotDifference(from: first, to: try await bench.take("second", kinds: [kind])).findings
        #expect(findings.map(\.change) == [.changed])
        #expect(findings.first?.difference.changes.map(\.path) == [["id"]])
    }
}

@Suite("Places of snapshots")
struct SnapshotPlaceTests {
    @Test("a folder under git keeps what is not of the snapshot, and loses the kinds that are gone")
    func workingCopy() async throws {
        let bench = try SnapshotBench()
        let folder = "\(bench.home.path)/repository"
        try ProtectedFile.replace("\(folder)/.git/HEAD", with: Array("ref: refs/heads/main\n".utf8))
        try ProtectedFile.replace("\(folder)/README.md", with: Array("Ours.\n".utf8))
        chmod(folder, 0o755)
        try await bench.take("repository")
        #expect(mode("\(folder)/groups") == mode(folder))
        try await bench.take("repository/tenant", kinds: Array(SnapshotKind.all.prefix(1)))
        #expect(mode("\(folder)/tenant") == mode(folder))
        try SnapshotFiles.removeTree("\(folder)/tenant")
        try await bench.take("private")
        #expect(mode("\(bench.home.path)/private/groups") == 0o700)
        #expect(mode("\(bench.home.path)/private/snapshot.json") == 0o600)
        let kinds = [try #require(SnapshotKind.named("groups"))]
        let snapshot = try await bench.take("repository", kinds: kinds)
        #expect(snapshot.header.read == ["groups"])
        #expect(
            try FolderListing.names(in: folder).sorted() == [
                ".git", "README.md", "groups", "names.json", "snapshot.json",
            ])
    }

    private static let gitProgram = "/usr/bin/git"

    @Test(
        "git sees nothing of a snapshot that is being written, or was when its process was killed",
        .enabled(if: access(gitProgram, X_OK) == 0, "needs git (apt-get install git)"))
    func unseenByGit() async throws {
        let bench = try SnapshotBench()
        let folder = "\(bench.home.path)/repository"
        try ProtectedFile.makeDirectory(folder)
        let made = await git(["init", "--quiet"], in: folder)
        try #require(made == "", "\(made)")
        let destination = SnapshotDestination(folder)
        let taking = SnapshotTaking(
            from: bench.tenant, kinds: Array(SnapshotKind.all.prefix(2)),
            explain: { error, _ in SnapshotHeader.LeftOut(reason: error.message) })
        try await destination.replace { (written) async throws(MMError) in
            _ = try await taking.write(to: written, connection: "Model")
            #expect(await git(["status", "--porcelain", "--untracked-files=all"], in: folder) == "")
            // Nobody else writes meanwhile.
            await #expect(throws: MMError.self) { try await destination.replace { _ in () } }
        }
        let status = await git(["status", "--porcelain"], in: folder)
        #expect(status.contains("snapshot.json") && !status.contains(".mm-"), "\(status)")
        #expect(try FolderListing.names(in: folder).allSatisfy { !$0.hasPrefix(".mm-") })
    }

    private func git(_ arguments: [String], in folder: String) async -> String {
        let command = ChildCommand(Self.gitProgram, ["-C", folder] + arguments, environment: ["PATH": "/usr/bin:/bin"])
        guard let outcome = try? await ChildProcess.run(command, input: [], limit: 1 << 20, timeout: .seconds(60))
        else { return "no git" }
        return String(decoding: outcome.output + outcome.error, as: UTF8.self)
    }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    @Test("a folder with other files outside of git is left alone")
    func foreign() async throws {
        let bench = try SnapshotBench()
        try ProtectedFile.replace("\(bench.home.path)/photos/groups", with: Array("mine".utf8))
        await #expect(throws: MMError.self) { try await bench.take("photos") }
        #expect(try FolderListing.names(in: "\(bench.home.path)/photos") == ["groups"])
    }

    @Test("a killed writer leaves the old snapshot, or the new one once it was written completely")
    func killed() async throws {
        let bench = try SnapshotBench()
        try await bench.take("place")
        let old = try bench.files("place")
        bench.tenant.state.withLock { $0.objects["groups"]?[0]["state"] = "changed" }
        try await bench.take("new")
        let new = try bench.files("new")
        let stage = "\(bench.home.path)/place/.mm-snapshot"
        // Killed while it wrote.
        try await bench.take("place/.mm-snapshot/new")
        #expect(try SnapshotFolder("\(bench.home.path)/place").header.read.count > 1)
        #expect(try bench.files("place").filter { !$0.key.hasPrefix(".mm-snapshot") } == old)
        // Killed after it had written all, and had moved some of it.
        let all = try FolderListing.names(in: "\(stage)/new").map { "+" + $0 }.joined(separator: "\n")
        try ProtectedFile.replace("\(stage)/complete", with: Array(all.utf8))
        try ProtectedFile.makeDirectory("\(stage)/old")
        try SnapshotFiles.rename("\(bench.home.path)/place/groups", to: "\(stage)/old/groups")
        try SnapshotFiles.rename("\(stage)/new/groups", to: "\(bench.home.path)/place/groups")
        try SnapshotFiles.rename("\(bench.home.path)/place/flows", to: "\(stage)/old/flows")
        _ = try SnapshotFolder("\(bench.home.path)/place")
        #expect(try bench.files("place") == new)
    }

    @Test("the store keeps as many snapshots as it is told, and finds them by time")
    func store() async throws {
        let bench = try SnapshotBench()
        let store = SnapshotStore(paths: bench.home.paths, connection: "Model")
        let taking = SnapshotTaking(
            from: bench.tenant, kinds: Array(SnapshotKind.all.prefix(2)),
            explain: { error, _ in SnapshotHeader.LeftOut(reason: error.message) })
        func take(on day: Int64) async throws -> SnapshotDestination {
            let place = try store.newPlace(at: Timestamp(seconds: 1_767_225_600 + day * 86_400))
            _ = try await place.replace { (folder) async throws(MMError) in
                try await taking.write(to: folder, connection: "Model")
            }
            return place
        }
        for day: Int64 in [0, 0, 1, 1] { _ = try await take(on: day) }
        let newest = try await take(on: 2)
        #expect(
            try store.names() == [
                "2026-01-01T00-00-00Z", "2026-01-01T00-00-00Z-2", "2026-01-02T00-00-00Z", "2026-01-02T00-00-00Z-2",
                "2026-01-03T00-00-00Z",
            ])
        #expect(try store.find("latest").hasSuffix("2026-01-03T00-00-00Z"))
        #expect(try store.find("2026-01-03").hasSuffix("2026-01-03T00-00-00Z"))
        #expect(throws: MMError.self) { try store.find("2026-01-01") }
        #expect(throws: MMError.self) { try store.find("2025") }
        try store.keep(2, with: newest)
        #expect(try store.names() == ["2026-01-02T00-00-00Z-2", "2026-01-03T00-00-00Z"])
        // The others were taken while the clock was ahead.
        try store.keep(2, with: try await take(on: -30))
        #expect(try store.names() == ["2025-12-02T00-00-00Z", "2026-01-03T00-00-00Z"])
        try store.keep(1, with: try await take(on: -20))
        #expect(try store.names() == ["2025-12-12T00-00-00Z"])
    }

    @Test("snapshots that begin in the same second get a place each, and one that is given up leaves none")
    func places() async throws {
        let bench = try SnapshotBench()
        let store = SnapshotStore(paths: bench.home.paths, connection: "Model")
        let time = Timestamp(seconds: 1_767_225_600)
        do {
            let places = try (0..<3).map { _ in try store.newPlace(at: time) }
            #expect(
                places.map { $0.folder.dropFirst(store.folder.count + 1) } == [
                    "2026-01-01T00-00-00Z", "2026-01-01T00-00-00Z-2", "2026-01-01T00-00-00Z-3",
                ])
            // Another process that takes away leftovers leaves them alone.
            try store.keep(1, with: places[0])
            #expect(places.allSatisfy { SnapshotFiles.isFolder($0.folder) })
            let error = await #expect(throws: MMError.self) {
                try await places[1].replace { (_: String) async throws(MMError) -> Int in
                    throw MMError(.cancelled, "Given up.")
                }
            }
            #expect(error?.code == .cancelled && !SnapshotFiles.exists(places[1].folder))
        }
        #expect(TestFolder.names(in: store.folder) == [])
    }
}
