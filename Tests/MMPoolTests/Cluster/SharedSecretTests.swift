import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMPool

@Suite("Secrets that nodes and front-ends share", .timeLimit(.minutes(5)))
struct SharedSecretTests {
    private static let readers: [(name: String, read: @Sendable (String) throws -> Void)] = [
        ("cluster key", { _ = try ClusterSeal(keyFile: $0) }),
        ("Redis secret", { _ = try RedisAddress("redis://127.0.0.1", environment: ["MM_CLUSTER_SECRET_FILE": $0]) }),
        ("pool secret", { _ = try PoolAddress.bearer(environment: ["MM_POOL_TOKEN_FILE": $0]) }),
    ]

    @Test("are redacted once they were read, and not read from a file that others can read", arguments: readers.indices)
    func shared(reader: Int) throws {
        let (name, read) = Self.readers[reader]
        let home = try TestHome()
        let (file, secret) = ("\(home.path)/secret", Hex.text(RandomBytes.make(20)))
        try ProtectedFile.replace(file, with: Array("\(secret)\n".utf8))
        #expect(chmod(file, 0o644) == 0)
        let error = #expect(throws: MMError.self, "\(name)") { try read(file) }
        #expect(error?.code == .forbidden, "\(name)")
        #expect(chmod(file, 0o600) == 0)
        // Without OpenSSL the seal fails after reading its key.
        try? read(file)
        #expect(!Redactor.standard.text("a \(secret) b").contains(secret), "\(name)")
    }
}
