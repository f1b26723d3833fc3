import MMCore
import TestSupport
import Testing

@testable import MMOperations

@Suite("Filters of lists", .timeLimit(.minutes(10)))
struct ListFilterTests {
    static let calls: [(operation: String, arguments: JSONObject)] = [
        ("undo_list", ["connection": "banana"]), ("undo", ["since": "1d", "connection": "banana"]),
        ("history", ["object": "ada@contoso.com", "connection": "banana"]), ("audit_show", ["connection": "banana"]),
        ("audit_mine", ["connection": "banana"]), ("snapshot_list", ["connection": "banana"]),
        ("audit_show", ["outcome": "banana"]), ("audit_mine", ["outcome": "banana"]),
        ("audit_show", ["operation": "banana"]), ("connections", ["tag": "banana"]),
    ]

    @Test("that nothing can have are refused with what there is")
    func unknown() async throws {
        let home = try await ChangesHome(users: 12, isSignedIn: false)
        try home.edit { entries in
            var entry = entries["Demo"]?.object ?? [:]
            entry["tags"] = ["msp", "north"]
            entries["Demo"] = .object(entry)
        }
        for (operation, arguments) in Self.calls {
            let error = await #expect(throws: MMError.self, "\(operation) \(arguments)") {
                _ = try await home.call(operation, arguments)
            }
            // An unknown connection is the same error as where one is to be used.
            let isConnection = arguments["connection"] != nil
            #expect(error?.code == (isConnection ? .notFound : .invalidInput), "\(operation): \(error as Any)")
            #expect(!isConnection || error?.message == "There is no connection 'banana'.", "\(operation)")
            let there = isConnection ? "Demo" : arguments["tag"] != nil ? "msp, north" : ", "
            #expect(error?.hint?.contains(there) == true, "\(operation): \(error as Any)")
        }
        await home.stop()
    }

    @Test("name connections alone, not what selected several of them")
    func selections() async throws {
        let home = try await ChangesHome(users: 12, isSignedIn: false)
        for selection in ["all", "tag:north", "Demo,Gone", "De*"] {
            _ = try? await home.call("graph_request", ["connection": .string(selection), "endpoint": "/me"])
        }
        _ = try? await home.call("graph_request", ["connection": "Gone", "endpoint": "/me"])
        let written = ChangesHome.value(try await home.call("audit_show", [:]))
        #expect(written.array?.isEmpty == false)
        let error = await #expect(throws: MMError.self) {
            _ = try await home.call("audit_show", ["connection": "banana"])
        }
        let known = error?.details["known"]?.array?.compactMap(\.string) ?? []
        #expect(known.contains("Demo") && known.allSatisfy { ["Demo", "Gone"].contains($0) }, "\(known)")
        await home.stop()
    }

    @Test("find what was written down of connections that have gone")
    func gone() async throws {
        let home = try await ChangesHome(users: 12)
        try await home.graph("PATCH", "/me", ["city": "Rome"])
        _ = try await home.call("snapshot_take", ["connection": "Demo", "only": ["domains"]])
        try home.edit { entries in
            var entry = entries["Demo"]?.object ?? [:]
            entry["tenantId"] = "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e99"
            entry["tenant"] = "other.example"
            entries = ["Other": .object(entry)]
        }
        for operation in ["undo_list", "audit_show", "snapshot_list"] {
            let found = ChangesHome.value(try await home.call(operation, ["connection": "Demo"]))
            #expect(found.array?.isEmpty == false, "\(operation)")
        }
        await home.stop()
    }

    @Test(
        "a model gets the beginning of a long list of connections with its length, and finds the others by words",
        arguments: [
            (Caller.Surface.mcp, [:], 50, "120 connections, of which 50 are shown"),
            (.mcp, ["search": "customer 11"], 11, nil), (.mcp, ["search": "CUSTOMER 7 gold"], 5, nil),
            (.mcp, ["search": "nobody"], 0, "No connection of 120 matches."), (.library, [:], 120, nil),
        ] as [(Caller.Surface, JSONObject, Int, String?)])
    func long(surface: Caller.Surface, arguments: JSONObject, count: Int, note: String?) async throws {
        let answer = try await Self.answerOfMany("connections", arguments, to: surface)
        #expect(ChangesHome.value(answer)["connections"]?.array?.count == count)
        #expect(answer.notes.contains { note.map($0.contains) ?? true } == (note != nil), "\(answer.notes)")
    }

    @Test("a model gets no line for each of many connections that aren't signed in, but for one that it names")
    func signedOut() async throws {
        let all = try await Self.answerOfMany("status", [:], to: .mcp)
        #expect(ChangesHome.value(all)["sessions"] == [])
        #expect(all.notes.contains { $0.hasPrefix("120 connections that aren't signed in") }, "\(all.notes)")
        for (surface, arguments, count) in [(.mcp, ["connection": "C7"], 1), (.library, [:], 120)]
            as [(Caller.Surface, JSONObject, Int)]
        {
            let answer = try await Self.answerOfMany("status", arguments, to: surface)
            #expect(ChangesHome.value(answer)["sessions"]?.array?.count == count && answer.notes.isEmpty)
        }
    }

    @Test("without any connection, status says how to add one, whoever asks", arguments: [nil, "mm"] as [String?])
    func none(server: String?) async throws {
        let home = try TestHome()
        let service = LocalOperationService(services: OperationServices(environment: home.environment))
        let context = CallContext(caller: Caller(surface: .mcp, name: "test", server: server))
        for operation in ["status", "connections"] {
            let answer = try await service.call(operation, [:], in: context)
            #expect(answer.notes == ["No connection is registered. " + RegistrySnapshot.howToAdd], "\(operation)")
        }
        await service.services.close()
    }

    /// Calls an operation where 120 connections are registered, none of them signed in.
    private static func answerOfMany(
        _ operation: String, _ arguments: JSONObject, to surface: Caller.Surface
    ) async throws -> OperationAnswer {
        let home = try TestHome()
        let entries = (0..<120).map { number -> (String, JSONValue) in
            (
                "C\(number)",
                [
                    "tenant": "c.example", "description": .string("Customer \(number)"),
                    "tags": number % 2 == 0 ? ["gold"] : [],
                ]
            )
        }
        try ProtectedFile.replace(
            home.paths.registry, with: JSONWriter.bytes(["connections": .object(JSONObject(entries))]))
        let service = LocalOperationService(services: OperationServices(environment: home.environment))
        let context = CallContext(caller: Caller(surface: surface, name: "test", server: "mm"))
        return try await service.call(operation, arguments, in: context)
    }
}
