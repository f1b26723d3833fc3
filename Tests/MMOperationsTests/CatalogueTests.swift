import MMCore
import MMMCP
import MMOperations
import Testing

@Suite("The catalogue", .timeLimit(.minutes(5)))
struct CatalogueTests {
    static let operations = Catalogue.standard.operations

    @Test("names every operation once, in the words of the field")
    func names() {
        let names = Self.operations.map(\.declaration.name)
        #expect(Set(names).count == names.count)
        let commands = Self.operations.map { $0.declaration.command.joined(separator: " ") }
        #expect(Set(commands).count == commands.count)
        #expect(names.allSatisfy { $0.allSatisfy { $0.isLowercase || $0 == "_" } })
    }

    @Test("offers models exactly these tools")
    func tools() {
        let everyone = Self.operations.map(\.declaration).filter { $0.audience == .everyone && $0.toolset == .m365 }
        let offered = everyone.filter(\.isListed).map(\.name)
        #expect(offered == ["run", "graph_request", "connections", "status", "login", "logout", "reset", "output"])
        // Called by their names alone: a model reads every word of the list on each turn.
        #expect(
            everyone.filter { !$0.isListed }.map(\.name) == [
                "disconnect", "jobs", "sessions", "endpoints", "do", "recipe", "permissions_for", "permissions_check",
                "drift", "snapshot_take", "snapshot_list", "snapshot_show", "snapshot_diff", "snapshot_kinds", "undo",
                "undo_list", "undo_show", "plan", "plan_show", "plan_list", "apply", "history", "audit_mine",
            ])
    }

    @Test("never offers a model what writes the registry or confirms")
    func personOnly() {
        let people = Self.operations.filter { $0.declaration.audience == .person }.map(\.declaration.name)
        for name in ["connections_add", "connections_edit", "connections_remove", "confirm"] {
            #expect(people.contains(name))
        }
    }

    @Test("says what each operation does, and how", arguments: operations.map(\.declaration.name))
    func texts(name: String) throws {
        let operation = try #require(Catalogue.standard.operation(named: name))
        #expect(operation.declaration.summary.hasSuffix("."))
        #expect(operation.declaration.summary.count < 100)
        #expect(operation.declaration.description.count < 1500)
        #expect(!operation.declaration.examples.isEmpty || operation.fields.isEmpty || name == "sessions")
        for field in operation.fields {
            #expect(!field.summary.isEmpty)
            #expect(field.summary.count < 120, "\(field.name)")
        }
        for example in operation.declaration.examples {
            #expect(example.command.hasPrefix("mm " + operation.declaration.command.joined(separator: " ")))
        }
    }

    @Test("declares schemas that the protocol's validator takes", arguments: operations.map(\.declaration.name))
    func schemas(name: String) throws {
        let operation = try #require(Catalogue.standard.operation(named: name))
        let tool = Tool(name: name, description: "x", inputSchema: operation.inputSchema) { _, _ in .text("") }
        #expect(throws: Never.self) { try MCPServer(ServerInfo(name: "x", version: "1"), tools: [tool]) }
    }

    @Test(
        "what lists or checks the records of connections says who has them, for pools that have one connection each",
        arguments: [
            ("undo_list", .records(usual: 50)), ("history", .records(usual: 50)),
            ("snapshot_list", .records(usual: nil)), ("audit_show", .log(usual: 50)), ("audit_mine", .log(usual: 20)),
            ("audit_verify", .everyLog), ("undo_show", .record), ("undo", .changes(argument: "id")),
            ("snapshot_show", .snapshots(arguments: ["snapshot"])),
            ("snapshot_diff", .snapshots(arguments: ["before", "after"])), ("guard_check", .owner),
            ("connections_edit", .owner),
        ] as [(String, OperationDeclaration.Keeper)])
    func keepers(name: String, keeper: OperationDeclaration.Keeper) throws {
        let operation = try #require(Catalogue.standard.operation(named: name))
        #expect(operation.declaration.keeper == keeper)
        // The arguments that it names are its own.
        let names = operation.fields.map(\.name)
        switch keeper {
        case .records(.some), .log: #expect(names.contains("last"))
        case .changes(let argument): #expect(names.contains(argument))
        case .snapshots(let arguments): #expect(arguments.allSatisfy(names.contains))
        default: break
        }
    }

    @Test("points to near names when one is unknown")
    func unknown() throws {
        let error = try #require(throws: MMError.self) { try Catalogue.standard.require("graph_reqest") }
        #expect(error.code == .notFound)
        #expect(error.description.contains("graph_request"))
    }
}
