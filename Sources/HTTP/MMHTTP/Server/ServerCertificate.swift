import CMicroHTTPD
import Glibc
package import MMCore
import MMSystem

/// A TLS server's certificate chain and private key.
package struct ServerCertificate: Sendable {
    private let chain: String
    private let key: Secret
    private let (place, keyPlace): (String, String)
    /// What the two files were when they were read.
    private let stamps: [FileStamp.Lookup]

    /// Reads the certificate and its key from PEM files.
    /// - Parameters:
    ///   - certificate: the path of the certificate, followed by the intermediate certificates.
    ///   - key: the path of the unencrypted private key, which only its owner may read.
    /// - Throws: `notFound`; `forbidden` when others may read the key; `invalidInput` when a file doesn't contain the
    ///   right kind of PEM.
    package init(certificate: String, key: String) throws(MMError) {
        (place, keyPlace) = (certificate, key)
        // A file that changes while it is read is read again.
        stamps = Self.stamps(certificate, key)
        chain = try Self.read(certificate, "--tls-cert", holding: "-----BEGIN CERTIFICATE-----")
        self.key = Secret(try Self.read(key, "--tls-key", holding: "PRIVATE KEY-----", ProtectedFile.isPrivate))
    }

    /// Reads the files again if they have changed, as when the certificate was renewed.
    /// - Returns: `nil` if they haven't changed.
    /// - Throws: as `init(certificate:key:)`.
    func renewed() throws(MMError) -> ServerCertificate? {
        guard stamps != Self.stamps(place, keyPlace) else { return nil }
        return try ServerCertificate(certificate: place, key: keyPlace)
    }

    /// Calls `body` with the texts in the library's form.
    func withRaw<Result>(_ body: (UnsafePointer<mm_httpd_tls>) -> Result) -> Result {
        chain.withCString { chain in
            key.reveal().withCString { key in
                var raw = mm_httpd_tls(certificate: chain, key: key)
                return body(&raw)
            }
        }
    }

    /// The error to throw when the library refuses to start with the certificate.
    var unusable: MMError {
        MMError(
            .invalidInput, "The server can't start with the certificate \(place) and its key.",
            hint:
                "They must belong together: compare `openssl x509 -noout -pubkey -in CERT` with `openssl pkey -pubout -in KEY`."
        )
    }

    /// Follows links, because certificate tools keep the newest certificate behind one.
    private static func stamps(_ paths: String...) -> [FileStamp.Lookup] {
        paths.map { path in RealPath.of(path).map(FileStamp.lookUp) ?? .missing }
    }

    private static func read(
        _ path: String, _ flag: String, holding mark: String, _ isAdmitted: (stat) -> Bool = { _ in true }
    ) throws(MMError) -> String {
        guard let resolved = RealPath.of(path),
            let bytes = try ProtectedFile.read(resolved, limit: 1 << 20, isAdmitted: isAdmitted)
        else {
            throw MMError(.notFound, "The file \(path) does not exist.", hint: "\(flag) must be a PEM file.")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.contains(mark), !bytes.contains(0) else {
            throw MMError(.invalidInput, "\(path) doesn't contain PEM text of the kind that \(flag) requires.")
        }
        return text
    }
}
