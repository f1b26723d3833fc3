internal import COpenSSL
package import MMCore
package import MMHTTP

/// Caches the metadata and keys of a sign-in service, and requests them again when they may have changed.
///
/// An unknown key id leads to a new request, but at most every 30 seconds, because anyone can make up a key id. While
/// the service is down, the cached keys are used for a day.
package final class IssuerDirectory: Sendable {
    /// The issuer, as it was configured.
    package let issuer: String
    private let transport: any HTTPTransport
    private let clock: WallClock
    private let log: Log
    private let state = Mutex(State())

    private struct State: Sendable {
        var known: (metadata: IssuerMetadata, at: Timestamp)?
        var failure: MMError?
        var askedAt: Timestamp?
        var flight: Task<Void, Never>?
    }

    /// The keys that are available for a token.
    enum Answer: Sendable {
        /// The cached metadata and keys.
        case known(IssuerMetadata)
        /// The service must be asked first.
        case unknown
        /// The service was just asked, and failed.
        case failed(MMError)
    }

    /// The age at which keys are requested again, in the background while they are still used.
    private static let fresh = Duration.seconds(3600)
    /// The age up to which keys are used when the service doesn't answer.
    private static let usable = Duration.seconds(86_400)
    /// The minimum time between two requests for an unknown key.
    private static let pause = Duration.seconds(30)
    /// The minimum time between two requests while there are no keys.
    private static let retryPause = Duration.seconds(5)

    /// Creates a directory; nothing is sent yet.
    /// - Parameters:
    ///   - issuer: the issuer, such as `https://login.microsoftonline.com/TENANT/v2.0`.
    ///   - transport: the transport that sends its requests.
    ///   - clock: the clock for the time of day.
    ///   - log: the log for failures.
    package init(issuer: String, transport: any HTTPTransport, clock: WallClock = .system, log: Log = .off) {
        self.issuer = issuer
        self.transport = transport
        self.clock = clock
        self.log = log.from("oauth")
    }

    /// Returns whether an address can be an issuer's: `https`, or `http` on this machine, without a query or fragment.
    package static func isUsable(_ issuer: String) -> Bool {
        guard let address = WebAddress(issuer), !address.hasUserInfo, !issuer.contains("?"), !issuer.contains("#")
        else {
            return false
        }
        return address.scheme == "https" || address.isLoopback
    }

    /// The cached metadata; `nil` before the service has answered.
    package var metadata: IssuerMetadata? { state.withLock { $0.known?.metadata } }

    /// Returns the cached keys without waiting; starts a request in the background when they are old.
    /// - Parameter keyID: the id of the key that is needed; `nil` for any.
    func answer(for keyID: String?) -> Answer {
        let now = clock.now
        let (answer, isOld): (Answer, Bool) = state.withLock { state in
            guard let known = state.known, Self.passed(known.at, now) < Self.usable else {
                guard state.flight == nil else { return (.unknown, false) }
                if let failure = state.failure, let asked = state.askedAt, Self.passed(asked, now) < Self.retryPause {
                    return (.failed(failure), false)
                }
                return (.unknown, false)
            }
            let sinceAsked = state.askedAt.map { Self.passed($0, now) } ?? .seconds(86_400)
            let isNew = keyID.map { id in !known.metadata.keys.contains { $0.id == id } } ?? false
            if isNew, state.flight != nil || sinceAsked >= Self.pause { return (.unknown, false) }
            return (.known(known.metadata), Self.passed(known.at, now) >= Self.fresh && sinceAsked >= Self.pause)
        }
        if isOld { _ = begin() }
        return answer
    }

    /// Asks the service if that is needed, and returns the keys. Concurrent callers share one request.
    func ask(for keyID: String?) async -> Answer {
        if case .unknown = answer(for: keyID) { await begin().value }
        let (known, failure) = state.withLock { ($0.known, $0.failure) }
        if let known, Self.passed(known.at, clock.now) < Self.usable { return .known(known.metadata) }
        return .failed(failure ?? MMError(.unavailable, "The sign-in service \(issuer) wasn't asked."))
    }

    /// Asks the service before the first token arrives, so that a wrong issuer shows when the server starts.
    /// - Returns: the error because of which no token can be admitted yet; `nil` when the service has answered.
    package func prepare() async -> MMError? {
        if case .failed(let error) = await ask(for: nil) { error } else { nil }
    }

    private func begin() -> Task<Void, Never> {
        state.withLock { state in
            if let flight = state.flight { return flight }
            state.askedAt = clock.now
            let flight = Task { [self] in
                let result = await Result { () async throws(MMError) in
                    try await IssuerMetadata.read(issuer, by: transport)
                }
                finish(result)
            }
            state.flight = flight
            return flight
        }
    }

    private func finish(_ result: Result<IssuerMetadata, MMError>) {
        state.withLock { state in
            state.flight = nil
            switch result {
            case .success(let metadata):
                state.known = (metadata, clock.now)
                state.failure = nil
            case .failure(let error): state.failure = error
            }
        }
        switch result {
        case .success(let metadata): log.info("\(metadata.keys.count) keys of the sign-in service \(issuer)")
        case .failure(let error): log.warning(error.message)
        }
    }

    /// Returns the time that has passed; a day if the clock was set back.
    private static func passed(_ then: Timestamp, _ now: Timestamp) -> Duration {
        now < then ? .seconds(86_400) : now - then
    }
}

/// The metadata that a sign-in service publishes (RFC 8414; OpenID Connect Discovery 1.0), and its keys.
package struct IssuerMetadata: Sendable {
    /// The names under which the service issues tokens.
    package let name: IssuerName
    /// The whole metadata document.
    package let document: JSONObject
    /// The keys that its tokens are signed with.
    package let keys: [IssuerKey]

    /// The maximum size of a document, in bytes.
    private static let largest = 1 << 20
    /// The maximum number of keys that are kept of a set.
    private static let mostKeys = 100

    /// Returns the URLs where a service may publish its metadata, in the order in which clients of the protocol look
    /// (RFC 8414, section 3.1 and 5; OpenID Connect Discovery 1.0, section 4).
    static func places(of issuer: String) -> [String] {
        guard let address = WebAddress(issuer) else { return [] }
        var path = address.pathAndQuery
        if path.hasSuffix("/") { path.removeLast() }
        let all = [
            "\(address.origin)\(path)/.well-known/openid-configuration",
            "\(address.origin)/.well-known/oauth-authorization-server\(path)",
            "\(address.origin)/.well-known/openid-configuration\(path)",
        ]
        return path.isEmpty ? Array(all.prefix(2)) : all
    }

    /// Asks a service for its metadata and keys.
    /// - Throws: `unavailable` while it can't be reached, `remoteFailed` for an answer that isn't valid metadata.
    static func read(_ issuer: String, by transport: any HTTPTransport) async throws(MMError) -> IssuerMetadata {
        for place in places(of: issuer) {
            guard let document = try await object(at: place, of: issuer, transport) else { continue }
            guard let given = document["issuer"]?.string else { throw fault(place, "it has no issuer") }
            guard let name = IssuerName(given, configured: issuer) else {
                throw fault(place, "it belongs to the issuer \(VisibleText.exact(String(given.prefix(200))))")
            }
            guard let keys = document["jwks_uri"]?.string, isAllowed(keys, for: issuer) else {
                throw fault(place, "it has no https address of keys (jwks_uri)")
            }
            guard let set = try await object(at: keys, of: issuer, transport)?["keys"]?.array else {
                throw fault(keys, "it contains no keys")
            }
            return IssuerMetadata(
                name: name, document: document, keys: set.prefix(Self.mostKeys).compactMap(IssuerKey.init))
        }
        throw MMError(
            .remoteFailed, "The sign-in service \(issuer) publishes no metadata.",
            hint: "Give the issuer exactly as in its openid-configuration (--oauth-issuer).")
    }

    /// Returns whether keys may be read from an address: with `https`, or from this machine for an issuer on this
    /// machine.
    private static func isAllowed(_ keys: String, for issuer: String) -> Bool {
        guard let address = WebAddress(keys), !address.hasUserInfo else { return false }
        return address.scheme == "https" || (address.isLoopback && WebAddress(issuer)?.isLoopback == true)
    }

    private static func object(
        at url: String, of issuer: String, _ transport: any HTTPTransport
    ) async throws(MMError) -> JSONObject? {
        let response: HTTPResponse
        do throws(HTTPError) {
            response = try await transport.send(
                HTTPRequest(
                    url: url, headers: ["Accept": "application/json"], timeout: .seconds(10),
                    maxResponseBytes: largest, allowsPlainHTTP: WebAddress(issuer)?.isLoopback == true))
        } catch {
            throw MMError(
                .unavailable, "The sign-in service can't be reached at \(url): \(error.message)",
                retry: .after(.seconds(10)))
        }
        switch response.status {
        case 200: break
        case 400..<500: return nil
        default: throw fault(url, "the answer has status \(response.status)")
        }
        guard let object = (try? JSONParser.parse(response.body, limits: JSONLimits(bytes: largest, depth: 32)))?.object
        else { throw fault(url, "the answer is not a JSON object") }
        return object
    }

    private static func fault(_ url: String, _ what: String) -> MMError {
        MMError(.remoteFailed, "The metadata of the sign-in service at \(url) can't be used: \(what).")
    }
}

/// The names under which a sign-in service issues tokens.
package struct IssuerName: Sendable, Hashable {
    /// The placeholder for the tenant in Entra ID's issuer names.
    private static let blank = "{tenantid}"

    /// The issuer as its own metadata names it.
    package let text: String
    /// The issuer of tokens of version 1.0, which Entra ID gives to apps that don't ask for another
    /// (`requestedAccessTokenVersion`); `nil` for every other service.
    private let versionOne: String?
    /// The only tenant whose tokens the service issues; `nil` where it has no tenants, or serves all of them.
    private let tenant: String?

    /// Whether the service is Entra ID, whose tokens name tenant and account by ids that an account's owner can't
    /// choose.
    var namesAccounts: Bool { versionOne != nil }

    /// Returns whether a service at this address would use a placeholder for the tenant in its name.
    package static func servesEveryTenant(_ configured: String) -> Bool {
        guard let address = WebAddress(configured), Cloud.signInService(at: address) != nil else { return false }
        let tenant = address.pathAndQuery.split(separator: "/").first.map { $0.lowercased() }
        return ["common", "organizations", "consumers", blank].contains(tenant)
    }

    /// Creates the names of a service.
    /// - Parameters:
    ///   - given: the issuer that its metadata name.
    ///   - configured: the issuer that was asked for. Only Entra ID may name itself differently: by its tenant's id.
    /// - Returns: `nil` where the metadata belong to another service.
    init?(_ given: String, configured: String) {
        text = given
        guard let asked = WebAddress(configured), let cloud = Cloud.signInService(at: asked) else {
            guard given == configured else { return nil }
            (versionOne, tenant) = (nil, nil)
            return
        }
        guard let address = WebAddress(given.replacing(Self.blank, with: "common")),
            Cloud.signInService(at: address)?.login == cloud.login
        else { return nil }
        let named = given.split(separator: "/").dropFirst(2).first.map { $0.lowercased() } ?? ""
        guard named == Self.blank || GUID.isValid(named) else { return nil }
        tenant = named == Self.blank ? nil : named
        let host = cloud.name == "china" ? "sts.chinacloudapi.cn" : "sts.windows.net"
        versionOne = "https://\(host)/\(named)/"
    }

    /// Returns whether a token says that it was issued by this service.
    func issued(_ token: SignedToken) -> Bool {
        guard let issuer = token.text("iss") else { return false }
        guard let versionOne else { return issuer == text }
        guard let tenantID = token.text("tid")?.lowercased(), GUID.isValid(tenantID), tenant ?? tenantID == tenantID
        else { return false }
        return [text, versionOne].contains { name in
            issuer.lowercased() == name.lowercased().replacing(Self.blank, with: tenantID)
        }
    }

    /// Returns whether a key may sign tokens of a token's tenant. A key that belongs to one tenant must not vouch for
    /// another.
    func admits(_ key: IssuerKey, for token: SignedToken) -> Bool {
        guard versionOne != nil, let named = key.issuer, !named.contains(Self.blank) else { return true }
        guard let tenantID = token.text("tid")?.lowercased() else { return false }
        return named.lowercased().split(separator: "/").contains { $0 == tenantID }
    }
}

/// The public half of a key with which a sign-in service signs its tokens.
package final class IssuerKey: @unchecked Sendable {
    // `@unchecked Sendable`: OpenSSL's object is set once and then only read; each verification has its own context.
    private let raw: UnsafeMutableRawPointer

    /// The key id (`kid`).
    package let id: String?
    /// The only algorithm that the key may be used with, if it names one.
    let algorithm: SignatureAlgorithm?
    /// The only issuer whose tokens the key signs, if it names one; keys of Entra ID do.
    let issuer: String?

    /// Reads a key of a set (RFC 7517, section 4).
    /// - Returns: `nil` for a key of another kind, one that isn't for signatures, and one that is too weak or too
    ///   large.
    fileprivate init?(_ key: JSONValue) {
        if let use = key["use"], use != "sig" { return nil }
        if let work = key["key_ops"]?.array, !work.contains("verify") { return nil }
        if let name = key["alg"] {
            guard let known = name.string.flatMap(SignatureAlgorithm.init(rawValue:)) else { return nil }
            algorithm = known
        } else {
            algorithm = nil
        }
        let bytes = { (member: String) in key[member]?.string.flatMap { Base64.bytes($0, alphabet: .url) } }
        let encoded: [UInt8]
        switch key["kty"]?.string {
        case "RSA":
            // A larger exponent would make each verification slow.
            guard let modulus = bytes("n"), let exponent = bytes("e"), modulus.count <= 1025, exponent.count <= 8,
                let last = exponent.last, last & 1 == 1, exponent != [1]
            else { return nil }
            encoded = PublicKeyEncoding.rsa(modulus: modulus, exponent: exponent)
        case "EC":
            guard key["crv"] == "P-256", let x = bytes("x"), let y = bytes("y"), x.count == 32, y.count == 32 else {
                return nil
            }
            encoded = PublicKeyEncoding.p256(x: x, y: y)
        default: return nil
        }
        guard let raw = mm_public_key_read(encoded, Int32(encoded.count)) else { return nil }
        self.raw = raw
        id = key["kid"]?.string
        issuer = key["issuer"]?.string
        let isRSA = Int(mm_public_key_kind(raw)) == Int(MM_CREDENTIAL_RSA)
        guard !isRSA || mm_public_key_bits(raw) >= 2048 else { return nil }
    }

    deinit { mm_public_key_free(raw) }

    /// Returns whether a token's signature was made with this key's private half.
    func verifies(_ token: SignedToken) -> Bool {
        guard algorithm.map({ $0 == token.algorithm }) ?? true else { return false }
        let (bytes, signature) = (token.signedBytes, token.signature)
        return mm_public_key_verify(
            raw, token.algorithm.code, bytes, Int32(bytes.count), signature, Int32(signature.count)) == 1
    }
}

/// The DER encoding of public keys (SubjectPublicKeyInfo, RFC 5280, section 4.1.2.7), built from the numbers of a JSON
/// web key.
enum PublicKeyEncoding {
    /// Returns the encoded key for an RSA modulus and exponent.
    static func rsa(modulus: [UInt8], exponent: [UInt8]) -> [UInt8] {
        let numbers = item(0x30, integer(modulus) + integer(exponent))
        // rsaEncryption, without parameters (RFC 8017, appendix A.1).
        let algorithm = item(0x30, [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00])
        return item(0x30, algorithm + item(0x03, [0] + numbers))
    }

    /// Returns the encoded key for a point on the curve P-256. Whether the point lies on the curve is checked when the
    /// key is read.
    static func p256(x: [UInt8], y: [UInt8]) -> [UInt8] {
        // id-ecPublicKey with prime256v1 (RFC 5480, section 2).
        let algorithm = item(
            0x30,
            [
                0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03,
                0x01, 0x07,
            ])
        return item(0x30, algorithm + item(0x03, [0, 0x04] + x + y))
    }

    private static func integer(_ bytes: [UInt8]) -> [UInt8] {
        let digits = Array(bytes.drop { $0 == 0 })
        // A leading one bit would make the number negative.
        return item(0x02, (digits.first ?? 0x80) & 0x80 == 0 ? digits : [0] + digits)
    }

    private static func item(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        var length: [UInt8] = []
        var rest = content.count
        while rest > 0 {
            length.insert(UInt8(rest & 0xFF), at: 0)
            rest >>= 8
        }
        if content.count >= 0x80 { length.insert(0x80 | UInt8(length.count), at: 0) }
        return [tag] + (length.isEmpty ? [0] : length) + content
    }
}
