import Glibc
import MMHTTP
import MMSystem
import Testing

/// Self-signed certificates for servers of tests.
enum TestCertificate {
    /// Makes one, as the files `WORD.pem` and `WORD.key`.
    static func make(_ word: String, for host: String, in folder: String) async throws -> ServerCertificate {
        let (pem, key) = ("\(folder)/\(word).pem", "\(folder)/\(word).key")
        let made = try await ChildProcess.run(
            ChildCommand(
                try #require(RawSession.openssl),
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                    key, "-out", pem, "-days", "2", "-subj", "/CN=\(word)", "-addext", "subjectAltName=DNS:\(host)",
                ], environment: ["PATH": "/usr/bin:/bin"]), timeout: .seconds(300))
        try #require(made.exit == .status(0))
        chmod(key, 0o600)
        return try ServerCertificate(certificate: pem, key: key)
    }
}
