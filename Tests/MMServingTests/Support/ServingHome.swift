import Glibc
import MMCore
import MMMCP
import MMOperations
import MMSystem
import TestSupport

@testable import MMServing

/// A temporary home folder with a registry.
final class ServingHome: Sendable {
    let path: String
    let services: OperationServices

    /// The connections: one for everyone, one for another server only, one for none.
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
        path = try TestFolder.make("/tmp/mm-serving-")
        services = OperationServices(environment: [
            "HOME": path, "MM_CONNECTIONS": path + "/connections.json", "MM_TOKEN_DIR": path + "/tokens",
            "MM_STATE_DIR": path + "/state", "MM_LOG_DIR": path + "/logs",
        ])
        try write("connections.json", Self.registry)
    }

    deinit { TestFolder.remove(path) }

    subscript(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ name: String, _ text: String, mode: mode_t = 0o600) throws {
        try ProtectedFile.replace(self[name], with: Array(text.utf8), mode: mode)
    }

    func text(_ name: String) throws -> String? {
        try ProtectedFile.read(self[name]).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The server with this home.
    func server(_ words: [String] = []) throws -> MCPServer {
        try CatalogueServer(
            service: LocalOperationService(services: services), services: services,
            options: MCPFaceOptions(words: words), principals: PrincipalTable()
        ).server()
    }
}
