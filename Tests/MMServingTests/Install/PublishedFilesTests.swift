import MMCore
import Testing

@testable import MMServing

@Suite("The files for registries and bundles", .timeLimit(.minutes(5)))
struct PublishedFilesTests {
    private func file(_ name: String) throws -> JSONValue {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(4)
        let bytes = try #require(try ProtectedFile.read(parts.joined(separator: "/") + "/" + name))
        return try JSONParser.parse(bytes, limits: .strict)
    }

    @Test("both name the programs' version")
    func versions() throws {
        #expect(try file("manifest.json")["version"]?.string == ProductVersion.text)
        let server = try file("server.json")
        #expect(server["version"]?.string == ProductVersion.text)
        #expect(server["packages"]?[0]?["version"]?.string == ProductVersion.text)
        #expect(server["packages"]?[0]?["identifier"]?.string?.contains(ProductVersion.text) == true)
        #expect(server["description"]?.string.map { $0.count <= 100 } == true)
    }

    @Test("the bundle starts mm-mcp with valid arguments", arguments: ["true", "false"])
    func bundle(readOnly: String) throws {
        let manifest = try file("manifest.json")
        let words = (manifest["server"]?["mcp_config"]?["args"]?.array ?? []).compactMap(\.string).map { word in
            word == "--read-only=${user_config.read_only}" ? "--read-only=\(readOnly)" : word
        }
        #expect(try MCPFaceOptions(words: words).readOnly == (readOnly == "true"))
        #expect(manifest["server"]?["entry_point"] == "server/mm-mcp")
        // Every setting is used, and every used one is declared.
        let used = try #require(manifest["server"]?["mcp_config"]).description
        for name in manifest["user_config"]?.object?.keys ?? [] { #expect(used.contains("${user_config.\(name)}")) }
    }
}
