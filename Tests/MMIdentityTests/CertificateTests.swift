import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite("Signing in with a certificate", .timeLimit(.minutes(5)))
struct CertificateTests {
    let home: TestHome
    let clock = TestClock()
    let passwordFile: String

    init() throws {
        home = try TestHome()
        passwordFile = "\(home.path)/password"
        try home.write(passwordFile, Array(Certificates.password.utf8))
    }

    private func files(_ certificate: String, key: String? = nil, password: Bool = false) -> CertificateFiles {
        CertificateFiles(
            certificatePath: Certificates.path(certificate), privateKeyPath: key.map { Certificates.path($0) },
            passwordFile: password ? passwordFile : nil)
    }

    /// The parts of the assertion sent in a sign-in with a certificate.
    private func assertion(_ files: CertificateFiles) async throws -> (
        header: JSONValue, claims: JSONValue, whole: String
    ) {
        let transport = ScriptedTransport { _, _ in Contoso.appTokens() }
        let service = IdentityService.scripted(
            home, transport, clock: clock, methods: ["Contoso": .app(.certificate(files))])
        _ = try await service.token(for: try Contoso.connection(expectedEmail: nil))
        let form = try #require(transport.requests.first).form
        #expect(form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        #expect(form["client_secret"] == nil)
        let whole = try #require(form["client_assertion"])
        let parts = whole.split(separator: ".").map { Base64.bytes(String($0), alphabet: .url) ?? [] }
        try #require(parts.count == 3)
        return (try JSONParser.parse(parts[0]), try JSONParser.parse(parts[1]), whole)
    }

    static let kinds: [(String, String?, Bool, String, String)] = [
        ("rsa.cert.pem", "rsa.key.pem", false, "PS256", Certificates.rsaDigest),
        ("rsa.both.pem", nil, false, "PS256", Certificates.rsaDigest),
        ("rsa.cert.pem", "rsa.locked.key.pem", true, "PS256", Certificates.rsaDigest),
        ("ec.cert.pem", "ec.key.pem", false, "ES256", Certificates.ecDigest),
        ("ec.p12", nil, true, "ES256", Certificates.ecDigest),
    ]

    @Test("each form of key and certificate signs the form that the vendor requires", arguments: kinds)
    func forms(certificate: String, key: String?, password: Bool, algorithm: String, digest: String) async throws {
        let (header, claims, _) = try await assertion(files(certificate, key: key, password: password))
        #expect(header["alg"] == .string(algorithm) && header["typ"] == "JWT")
        let thumbprint = try #require(Base64.bytes(header["x5t#S256"]?.string ?? "", alphabet: .url))
        #expect(Hex.text(thumbprint) == digest, "of a chain, the certificate that belongs to the key")
        #expect(claims["aud"] == .string("https://login.microsoftonline.com/\(Contoso.tenant)/oauth2/v2.0/token"))
        #expect(claims["iss"] == .string(Contoso.app) && claims["sub"] == .string(Contoso.app))
        #expect(claims["exp"]?.int == Int(clock.now) + 600 && claims["nbf"]?.int == Int(clock.now))
        #expect(GUID.isValid(claims["jti"]?.string ?? ""))
    }

    @Test(
        "another library accepts the signatures",
        .enabled(if: Python.hasMSAL, "no MSAL for Python in .build/python"), arguments: kinds)
    func signatures(certificate: String, key: String?, password: Bool, algorithm: String, digest: String) async throws {
        let (_, _, whole) = try await assertion(files(certificate, key: key, password: password))
        let own = algorithm == "PS256" ? "rsa.cert.pem" : "ec.cert.pem"
        let check = """
            import sys, jwt
            from cryptography import x509
            key = x509.load_pem_x509_certificate(open(sys.argv[1], "rb").read()).public_key()
            jwt.decode(sys.argv[2], key, algorithms=[sys.argv[3]], options={"verify_exp": False, "verify_aud": False})
            """
        let result = try await Python.running(["-c", check, Certificates.path(own), whole, algorithm])
        #expect(result.status == 0)
    }

    @Test("assertions are unique, and the key is read for each")
    func anew() async throws {
        let copy = "\(home.path)/app.pem"
        let original = try #require(try home.read(Certificates.path("rsa.both.pem")))
        try home.write(copy, original)
        let transport = ScriptedTransport { _, number in Contoso.appTokens(number: number) }
        let service = IdentityService.scripted(
            home, transport, clock: clock,
            methods: ["Contoso": .app(.certificate(CertificateFiles(certificatePath: copy)))])
        let connection = try Contoso.connection(expectedEmail: nil)
        _ = try await service.token(for: connection)
        let ec = try #require(try home.read(Certificates.path("ec.cert.pem")))
        let key = try #require(try home.read(Certificates.path("ec.key.pem")))
        try home.write(copy, ec + key)
        _ = try await service.token(
            for: connection, resource: .flow, options: TokenOptions(renewal: .start), deadline: .never)
        let sent = transport.requests.compactMap { $0.form["client_assertion"] }
        #expect(Set(sent).count == 2)
        let header = Base64.bytes(String(sent.last?.prefix { $0 != "." } ?? ""), alphabet: .url) ?? []
        #expect(try JSONParser.parse(header)["alg"] == "ES256")
    }

    @Test(
        "errors in the files are reported with the file and the remedy",
        arguments: [
            ("rsa.cert.pem", nil, false, "no private key", "privateKeyPath"),
            ("rsa.key.pem", nil, false, "no certificate", "uploaded"),
            ("ec.cert.pem", "rsa.key.pem", false, "another private key", "key"),
            ("rsa.cert.pem", "rsa.locked.key.pem", false, "password", "certificatePasswordFile"),
            ("ec.p12", nil, false, "password", "certificatePasswordFile"),
            ("rsa.old.p12", nil, true, "no longer supports", "-legacy"),
            ("rsa.cert.pem", "rsa.old.key.pem", true, "rsa.old.key.pem uses an encryption", "openssl pkcs8"),
            ("README.md", nil, false, "no private key", "PEM"),
            ("nothing.pem", nil, false, "does not exist", "mm connections show"),
            ("ended.cert.pem", "rsa.key.pem", false, "2021", "upload"),
        ] as [(String, String?, Bool, String, String)])
    func faults(certificate: String, key: String?, password: Bool, message: String, hint: String) async throws {
        let transport = ScriptedTransport { _, _ in Contoso.appTokens() }
        let service = IdentityService.scripted(
            home, transport, clock: TestClock(1_800_000_000),
            methods: ["Contoso": .app(.certificate(files(certificate, key: key, password: password)))])
        let error = await #expect(throws: MMError.self) {
            try await service.token(for: try Contoso.connection(expectedEmail: nil))
        }
        let (said, advised) = (error?.message ?? "", error?.hint ?? "")
        #expect(error?.code == .invalidInput)
        #expect(said.contains(message), "\(said)")
        #expect(advised.contains(hint), "\(advised)")
        #expect(transport.requests.isEmpty)
    }

    @Test(
        "a wrong password is distinguished from a missing one, and never shown",
        arguments: ["ec.p12", "rsa.locked.key.pem"])
    func wrongPassword(name: String) async throws {
        try home.write(passwordFile, Array("FAKE-wrong-password".utf8))
        let given =
            name.hasSuffix("p12")
            ? files(name, password: true) : files("rsa.cert.pem", key: name, password: true)
        let error = await #expect(throws: MMError.self) { _ = try await given.read(for: "Contoso", in: home.paths) }
        let said = "\(error?.message ?? "") \(error?.hint ?? "")"
        #expect(said.contains("another password") && !said.contains("FAKE-wrong-password"))
    }

    @Test(
        "spaces around a password belong to it, but not what an editor adds",
        arguments: [" pass word ", " pass word \r\n", "\u{FEFF} pass word \n"])
    func spaces(text: String) throws {
        try home.write(passwordFile, Array(text.utf8))
        for source in [SecretSource.file(passwordFile), .variable("PASSWORD")] {
            let read = try source.readNow(
                "the password", of: "Contoso", environment: ["PASSWORD": text], isPassword: true)
            #expect(read.reveal() == " pass word ")
            let other = try source.readNow("the secret", of: "Contoso", environment: ["PASSWORD": text])
            #expect(other.reveal() == "pass word")
        }
    }

    @Test("a password may be in a variable", arguments: ["ec.p12", "rsa.locked.key.pem"])
    func variable(name: String) async throws {
        var given = name.hasSuffix("p12") ? files(name) : files("rsa.cert.pem", key: name)
        given.passwordVariable = "CERTIFICATE_PASSWORD"
        let right = ["CERTIFICATE_PASSWORD": Certificates.password]
        _ = try await given.read(for: "Contoso", in: home.paths, environment: right)
        for environment in [[:], ["CERTIFICATE_PASSWORD": "FAKE-wrong-password"]] {
            let error = await #expect(throws: MMError.self) {
                _ = try await given.read(for: "Contoso", in: home.paths, environment: environment)
            }
            #expect(error?.code == .invalidInput && error?.message.contains("FAKE-wrong") == false)
        }
    }

    @Test("a connection of the registry names the files")
    func registry() async throws {
        let transport = ScriptedTransport { _, _ in Contoso.appTokens() }
        let connection = try Contoso.app([
            "method": "certificate", "certificatePath": .string(Certificates.path("ec.p12")),
            "certificatePasswordFile": .string(passwordFile),
        ])
        _ = try await IdentityService.scripted(home, transport, clock: clock).token(for: connection)
        #expect(transport.requests.first?.form["client_assertion"] != nil)
    }
}
