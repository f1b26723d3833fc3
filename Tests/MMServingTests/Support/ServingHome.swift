import Glibc
import MMCore
import MMMCP
import MMOperations
import MMSystem

@testable import MMServing

/// A home folder of a test's own with a registry, gone with it.
final class ServingHome: Sendable {
    let path: String
    let services: OperationServices

    /// The connections: one for everybody, one for another server only, one for none.
    static let registry = """
        {"connections": {
          "Contoso": {"tenant": "contoso.example", "appId": "11111111-2222-3333-4444-555555555555",
                      "description": "The main tenant", "expectedEmail": "owner@contoso.example", "tags": ["prod"]},
          "Côte d/Or": {"tenant": "cote.example"},
          "Other": {"tenant": "other.example", "mcps": ["mm-other"]},
          "Hidden": {"tenant": "hidden.example", "mcps": []}
        }}
        """

    init() throws {
        Signals.ignoreBrokenPipes()
        var template = Array("/tmp/mm-serving-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw MMError(.internalError, "mkdtemp failed: \(errno)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        services = OperationServices(environment: [
            "HOME": path, "MM_CONNECTIONS": path + "/connections.json", "MM_TOKEN_DIR": path + "/tokens",
            "MM_STATE_DIR": path + "/state", "MM_LOG_DIR": path + "/logs",
        ])
        try write("connections.json", Self.registry)
    }

    deinit { Self.remove(path) }

    subscript(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ name: String, _ text: String, mode: mode_t = 0o600) throws {
        try ProtectedFile.replace(self[name], with: Array(text.utf8), mode: mode)
    }

    func text(_ name: String) throws -> String? {
        try ProtectedFile.read(self[name]).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The product's server over this home.
    func server(_ words: [String] = []) throws -> MCPServer {
        try CatalogueServer(
            service: LocalOperationService(services: services), services: services,
            options: MCPFaceOptions(words: words)
        ).server()
    }

    private static func remove(_ folder: String) {
        if let handle = opendir(folder) {
            while let entry = readdir(handle) {
                // An entry is as long as its name: reading it by value would read past its end.
                let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
                let name = String(cString: (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self))
                if name == "." || name == ".." { continue }
                let path = "\(folder)/\(name)"
                if unlink(path) != 0 { remove(path) }
            }
            closedir(handle)
        }
        rmdir(folder)
    }
}
