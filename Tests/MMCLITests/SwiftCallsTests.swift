import Glibc
import MMCore
import MMGuard
import MMOperations
import Testing

@testable import MMCLI

@Suite("Typed calls for Swift programs", .timeLimit(.minutes(5)))
struct SwiftCallsTests {
    private static var everything: SwiftCalls {
        var calls = SwiftCalls()
        for operation in Catalogue.standard.operations { calls.add(operation) }
        for recipe in ToolShelf.recipes.contents().definitions { add(recipe, to: &calls) }
        return calls
    }

    private static func add(_ recipe: ToolDefinition, to calls: inout SwiftCalls) {
        calls.add(recipe, on: .recipes, effects: ToolEffects(GuardEngine()).effects(of: recipe))
    }

    /// The structs in a text, each with the names of its properties.
    private static func structs(in text: String) -> [(name: String, properties: [Substring])] {
        var found: [(name: String, properties: [Substring])] = []
        for line in text.split(separator: "\n") {
            if line.hasPrefix("struct "), let name = line.dropFirst(7).split(separator: ":").first {
                found.append((String(name), []))
            } else if line.hasPrefix("    var "), line.contains(": "), !line.contains("{"), !found.isEmpty {
                found[found.count - 1].properties.append(line.dropFirst(8).prefix { $0 != ":" })
            }
        }
        return found
    }

    @Test("every operation and every recipe has a type with a property for each argument")
    func names() {
        let found = Self.structs(in: Self.everything.text)
        let operations = Catalogue.standard.operations
        #expect(found.count == operations.count + ToolShelf.recipes.contents().definitions.count)
        #expect(Set(found.map(\.name)).count == found.count)
        for (type, operation) in zip(found, operations) {
            #expect(type.properties.count == operation.fields.count, "\(type.name)")
            #expect(Set(type.properties).count == type.properties.count, "\(type.name)")
            #expect(!type.properties.contains("members"), "\(type.name)")
        }
    }

    @Test("a recipe that only reads has no dry run, and only plans can be applied")
    func ofRecipes() {
        let found = Self.structs(in: Self.everything.text).suffix(ToolShelf.recipes.contents().definitions.count)
        let effects = ToolEffects(GuardEngine())
        for (type, recipe) in zip(found, ToolShelf.recipes.contents().definitions) {
            #expect(type.properties.contains("dryRun") == !effects.effects(of: recipe).readOnly, "\(type.name)")
            #expect(type.properties.contains("apply") == recipe.isPlan, "\(type.name)")
        }
        #expect(
            found.contains { $0.properties.contains("dryRun") } && found.contains { !$0.properties.contains("dryRun") })
    }

    @Test("the example's file is what the catalogue generates (`make pages` writes it)")
    func example() throws {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        let path = parts.joined(separator: "/") + "/Examples/Sources/NightlyReport/Calls.swift"
        var calls = SwiftCalls()
        calls.add(try #require(Catalogue.standard.operation(named: "graph_request")))
        Self.add(try ToolShelf.recipes.definition(named: "unused-guests"), to: &calls)
        if getenv("MM_WRITE_PAGES") != nil {
            try ProtectedFile.replace(path, with: Array(calls.text.utf8), mode: 0o644)
        }
        let file = try #require(try ProtectedFile.read(path))
        #expect(String(decoding: file, as: UTF8.self) == calls.text)
    }
}
