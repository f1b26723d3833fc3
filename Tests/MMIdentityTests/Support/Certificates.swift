import Glibc

/// Certificates of fictional apps, below `Tests/Fixtures/identity/certificates`.
enum Certificates {
    static func path(_ name: String, _ here: String = #filePath) -> String {
        let path =
            "/" + here.split(separator: "/").prefix { $0 != "Tests" }.joined(separator: "/")
            + "/Tests/Fixtures/identity/certificates/\(name)"
        // Git doesn't keep this mode, and keys that others may read are refused.
        _ = chmod(path, 0o600)
        return path
    }

    static let password = "open-sesame"
    /// The SHA-256 digests of the certificates, computed by OpenSSL's program.
    static let rsaDigest = "4e1f9201b505afc0adc551211cdd7b7c90f8e85781279333e482c8e1d5f56b89"
    static let ecDigest = "e69cbcdb54147cb482c3450a943791b9326d77fb2ba1ee2d1c90f45f0ea02633"
}
