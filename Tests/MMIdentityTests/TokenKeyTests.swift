import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMIdentity

/// A software token with the keys of the test certificates, once per process: its library finds it by this process's
/// environment.
private enum SoftToken {
    static let module = "/usr/lib/softhsm/libsofthsm2.so"
    static let pin = "1234"

    /// Whether OpenSSL has a PKCS #11 engine, and there is a software token.
    static let isThere: Bool = {
        let engines = ["x86_64", "aarch64"].map { "/usr/lib/\($0)-linux-gnu/engines-3/pkcs11.so" }
        return access(module, R_OK) == 0 && access("/usr/bin/softhsm2-util", X_OK) == 0
            && engines.contains { access($0, R_OK) == 0 }
    }()

    static let home: Result<TestHome, any Error> = Result {
        let home = try TestHome()
        let (folder, file) = ("\(home.path)/tokens", "\(home.path)/softhsm2.conf")
        mkdir(folder, 0o700)
        try home.write(
            file, Array("directories.tokendir = \(folder)\nobjectstore.backend = file\nlog.level = ERROR\n".utf8))
        setenv("SOFTHSM2_CONF", file, 1)
        return home
    }

    /// Creates the token with both keys, and returns the file with its PIN.
    static func make() async throws -> String {
        let home = try home.get()
        let pinFile = "\(home.path)/pin"
        guard try home.read(pinFile) == nil else { return pinFile }
        let environment = ["SOFTHSM2_CONF": "\(home.path)/softhsm2.conf", "PATH": "/usr/bin:/bin"]
        // A token stays open for a process once it has been opened with a PIN.
        var calls = ["mm", "other", "closed"].map {
            ["--init-token", "--free", "--label", $0, "--pin", pin, "--so-pin", "567890"]
        }
        let keys = [("mm", "a1", "rsa"), ("mm", "a2", "ec"), ("other", "a1", "rsa"), ("closed", "a1", "rsa")]
        for (token, number, name) in keys {
            calls.append([
                "--import", Certificates.path("\(name).key.pem"), "--token", token, "--label", name, "--id", number,
                "--pin", pin,
            ])
        }
        for call in calls {
            let outcome = try await ChildProcess.run(
                ChildCommand("/usr/bin/softhsm2-util", call, environment: environment), input: [], limit: 1 << 20,
                timeout: .seconds(300))
            guard outcome.exit.code == 0 else {
                throw MMError(.internalError, String(decoding: outcome.error + outcome.output, as: UTF8.self))
            }
        }
        try home.write(pinFile, Array(pin.utf8))
        return pinFile
    }
}

@Suite(
    "Keys in a hardware token", .serialized, .timeLimit(.minutes(5)),
    .enabled(if: SoftToken.isThere, "no softhsm2, or no PKCS #11 engine for OpenSSL"))
struct TokenKeyTests {
    private let home: TestHome

    init() throws { home = try TestHome() }

    private func uri(_ name: String, in token: String = "mm") -> String {
        "pkcs11:token=\(token);object=\(name);type=private?module-path=\(SoftToken.module)"
    }

    @Test("sign like the certificate's key", arguments: [("rsa", "PS256"), ("ec", "ES256")])
    func signs(name: String, algorithm: String) async throws {
        let pin = try await SoftToken.make()
        let files = CertificateFiles(
            certificatePath: Certificates.path("\(name).cert.pem"), privateKeyPath: uri(name), passwordFile: pin)
        let certificate = try await files.read(for: "Contoso", in: home.paths)
        #expect(certificate.algorithm == algorithm)
        let signature = try certificate.signature(of: "header.claims")
        #expect(try await isGood(signature, of: "header.claims", name))
        #expect(try await !isGood(signature, of: "header.other", name))
    }

    @Test("a missing key, and another certificate's key, are reported")
    func faults() async throws {
        let pin = try await SoftToken.make()
        for (object, certificate, said) in [
            ("nobody", "rsa", "is not a key that"), ("ec", "rsa", "another private key"),
        ] {
            let files = CertificateFiles(
                certificatePath: Certificates.path("\(certificate).cert.pem"), privateKeyPath: uri(object),
                passwordFile: pin)
            let error = await #expect(throws: MMError.self) { _ = try await files.read(for: "Contoso", in: home.paths) }
            let message = error?.message ?? ""
            #expect(error?.code == .invalidInput && message.contains(said), "\(message)")
        }
    }

    @Test(
        "a library that can't be opened, and a PIN that is missing, are reported as such",
        arguments: [
            ("pkcs11:token=mm;object=rsa?module-path=/nowhere/token.so", true, "module-path that can't be opened"),
            ("pkcs11:token=closed;object=rsa;type=private?module-path=\(SoftToken.module)", false, "without a PIN"),
        ])
    func unopened(uri: String, hasPIN: Bool, said: String) async throws {
        let pin = try await SoftToken.make()
        let files = CertificateFiles(
            certificatePath: Certificates.path("rsa.cert.pem"), privateKeyPath: uri, passwordFile: hasPIN ? pin : nil)
        let error = await #expect(throws: MMError.self) {
            _ = try await files.read(for: "Contoso", in: home.paths)
        }
        let message = error?.message ?? ""
        #expect(message.contains(said), "\(message)")
    }

    @Test("a PIN that the token refuses is tried once, by whichever process, until its file changes")
    func wrongPIN() async throws {
        let right = try await SoftToken.make()
        let pin = "\(home.path)/pin"
        try home.write(pin, Array("9999".utf8))
        let files = CertificateFiles(
            certificatePath: Certificates.path("rsa.cert.pem"), privateKeyPath: uri("rsa", in: "other"),
            passwordFile: pin)
        for said in ["is refused by the token", "is not tried again"] {
            let error = await #expect(throws: MMError.self) { _ = try await files.read(for: "Contoso", in: home.paths) }
            let message = error?.message ?? ""
            #expect(message.contains(said) && !message.contains("9999"), "\(message)")
        }
        #expect(try FolderListing.names(in: home.paths.stateDirectory).contains { $0.hasPrefix("refused-pin-") })
        try home.write(pin, try #require(try home.read(right)))
        #expect(try await files.read(for: "Contoso", in: home.paths).algorithm == "PS256")
    }

    /// Whether OpenSSL's program accepts a signature.
    private func isGood(_ signature: [UInt8], of text: String, _ name: String) async throws -> Bool {
        let (data, signed, key) = ("\(home.path)/text", "\(home.path)/signature", "\(home.path)/public.pem")
        try home.write(data, Array(text.utf8))
        try home.write(signed, name == "ec" ? Self.der(signature) : signature)
        let environment = ["PATH": "/usr/bin:/bin"]
        let made = try await ChildProcess.run(
            ChildCommand(
                "/usr/bin/openssl",
                ["x509", "-in", Certificates.path("\(name).cert.pem"), "-pubkey", "-noout", "-out", key],
                environment: environment), input: [], limit: 1 << 20, timeout: .seconds(300))
        #expect(made.exit.code == 0)
        let padding = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"]
        let checked = try await ChildProcess.run(
            ChildCommand(
                "/usr/bin/openssl",
                ["dgst", "-sha256", "-verify", key, "-signature", signed] + (name == "rsa" ? padding : []) + [data],
                environment: environment), input: [], limit: 1 << 20, timeout: .seconds(300))
        return checked.exit.code == 0
    }

    /// An elliptic signature as DER.
    private static func der(_ signature: [UInt8]) -> [UInt8] {
        func integer(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
            var number = Array(bytes.drop { $0 == 0 })
            if number.first.map({ $0 >= 0x80 }) ?? true { number.insert(0, at: 0) }
            return [2, UInt8(number.count)] + number
        }
        let numbers = integer(signature.prefix(32)) + integer(signature.dropFirst(32))
        return [0x30, UInt8(numbers.count)] + numbers
    }
}

@Suite("PKCS #11 URIs", .timeLimit(.minutes(5)))
struct TokenKeyURITests {
    @Test("the module is extracted, and the rest isn't changed")
    func module() throws {
        let key = try TokenKey(
            "PKCS11:token=My%20card;object=app?module-path=/usr/lib/a%2Bb.so&module-name=x", of: "Contoso")
        #expect(key.uri == "PKCS11:token=My%20card;object=app?module-name=x" && key.module == "/usr/lib/a+b.so")
        #expect(try TokenKey("pkcs11:token=a", of: "Contoso").module == nil)
        #expect(TokenKey.isURI("pkcs11:x") && !TokenKey.isURI("/etc/key.pem"))
    }

    @Test("a PIN is not allowed in the registry", arguments: ["pin-value=1234", "pin-source=file:/tmp/pin"])
    func pin(part: String) {
        let error = #expect(throws: MMError.self) { try TokenKey("pkcs11:token=a?\(part)", of: "Contoso") }
        let said = "\(error?.message ?? "") \(error?.hint ?? "")"
        #expect(error?.code == .invalidInput && said.contains("certificatePasswordFile") && !said.contains("1234"))
    }
}
