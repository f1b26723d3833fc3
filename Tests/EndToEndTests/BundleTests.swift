import MMCore
import Testing

@Suite("The bundle that desktop clients install", .timeLimit(.minutes(15)))
struct BundleTests {
    @Test("holds the manifest and a program that starts")
    func unpacked() async throws {
        let home = try TemporaryHome()
        let packed = try await Tenant.run(
            Programs.packageFolder + "/Scripts/bundle", [Programs.mmMCP, home.path + "/bundle"], home.environment)
        #expect(packed.code == 0, "\(packed.error)")
        let bundle = packed.output.split(separator: "\n").last.map(String.init) ?? ""
        #expect(bundle.hasSuffix(".mcpb"))
        // Unpack as a client does: with the permissions in the archive.
        let unpack = """
            import os, sys, zipfile
            bundle = zipfile.ZipFile(sys.argv[1])
            for entry in bundle.infolist():
                os.chmod(bundle.extract(entry, sys.argv[2]), entry.external_attr >> 16)
            """
        let unpacked = try await Tenant.run(
            "/usr/bin/env", ["python3", "-c", unpack, bundle, home.path + "/unpacked"], home.environment)
        #expect(unpacked.code == 0, "\(unpacked.error)")
        let started = try await Tenant.run(
            home.path + "/unpacked/server/mm-mcp", ["--version"], home.environment)
        #expect(started.code == 0 && started.output.hasPrefix("mm-mcp "))
        let manifest = try #require(try ProtectedFile.read(home.path + "/unpacked/manifest.json"))
        #expect(try JSONParser.parse(manifest)["server"]?["entry_point"] == "server/mm-mcp")
    }
}
