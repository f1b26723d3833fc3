package import MMCore
internal import MMSystem

/// The end of a person's sign-in, as its service told it: to a renewal of ours, or by way of a session's wire.
///
/// It belongs to the refresh token that was refused, and stands as long as that is the newest one: whoever signs in anew, in
/// whatever program, has another, and nothing has to be set back. It lies beside the token cache, so that every process
/// knows of it at once.
package struct SignInEnd: Sendable, Hashable {
    /// The digest of the refresh token that was refused.
    let refused: String
    /// The service at which it counts; `nil` where the sign-in itself is over, for all of them.
    let resource: String?
    /// When the service said so, in seconds since 1970.
    let at: Int64
    /// What went wrong, in a sentence.
    package let reason: String
    /// Entra ID's number for it.
    package let number: Int?
    /// The claims that the next sign-in must ask for.
    let claims: String?

    /// Whether it counts for every service.
    package var isOverEverywhere: Bool { resource == nil }

    /// Whether it counts for one of these services.
    package func counts(for resources: [ServiceResource]) -> Bool {
        isOverEverywhere || resources.contains { $0.name == resource }
    }

    /// Tells one refresh token from another without keeping it.
    static func digest(of token: Secret) -> String {
        Hex.text(SHA256.digest(Array(token.reveal().utf8)).prefix(12))
    }

    /// What the service answered to a renewal; `nil` for what no new sign-in mends.
    init?(_ error: EntraError, refusing token: Secret, for resource: ServiceResource, now: Timestamp) {
        guard error.action.needsSignIn else { return nil }
        refused = Self.digest(of: token)
        // A step that a policy wants at one service is none at another.
        self.resource = error.action == .reauthInteractive ? resource.name : nil
        at = now.seconds
        number = error.codes.first
        reason = error.reason
        claims = error.claims
    }

    init?(_ json: JSONValue) {
        guard let refused = json["refused"]?.string, let reason = json["reason"]?.string else { return nil }
        self.refused = refused
        self.reason = reason
        resource = json["resource"]?.string
        at = json["at"]?.int.map(Int64.init) ?? 0
        number = json["aadsts"]?.int
        claims = json["claims"]?.string
    }

    var json: JSONValue {
        var object: JSONObject = ["refused": .string(refused), "reason": .string(reason), "at": .int(at)]
        object["resource"] = resource.map { .string($0) }
        object["aadsts"] = number.map { .int(Int64($0)) }
        object["claims"] = claims.map { .string($0) }
        return .object(object)
    }

    /// The error for who needs the sign-in.
    package func error(of connection: String) -> MMError {
        var details: JSONObject = ["connection": .string(connection), "ended": true]
        details["resource"] = resource.map { .string($0) }
        details["aadsts"] = number.map { .int(Int64($0)) }
        let place = resource.map { " for \($0)" } ?? ""
        return MMError(
            .signInNeeded, "Sign-in needed for \(connection): the last one ended\(place) (\(reason)).",
            hint: "mm login \(ShellWord.quoted(connection)).", details: details)
    }
}

extension EntraError {
    /// What went wrong in a sentence, always with Entra ID's number.
    package var reason: String {
        let title = advice?.title ?? (error.isEmpty ? "status \(status)" : error)
        let number = codes.first.map { "AADSTS\($0)" }
        if let number, text.contains(number) { return "\(title): \(text.trimmedOfPeriod)" }
        return [title, number, text.isEmpty ? nil : text.trimmedOfPeriod].compactMap(\.self).joined(separator: ", ")
    }
}

extension String {
    /// The text without the full stop at its end.
    fileprivate var trimmedOfPeriod: String { hasSuffix(".") ? String(dropLast()) : self }
}

extension TokenFiles {
    private var endsPath: String { "\(directory)/\(names.ends)" }

    /// The ends that were told of the sign-in that this refresh token stands for.
    func ends(of token: Secret?) throws(MMError) -> [SignInEnd] {
        let all = try memory.ends(endsPath)
        guard !all.isEmpty, let token else { return [] }
        let digest = SignInEnd.digest(of: token)
        return all.filter { $0.refused == digest }
    }

    /// Notes an end. The file may hold those of several apps; the oldest go.
    func note(_ end: SignInEnd) async throws(MMError) {
        try await changeEnds { ends in
            ends.removeAll { $0.refused == end.refused && $0.resource == end.resource }
            ends = ends.suffix(15) + [end]
        }
    }

    /// Forgets what was said of a service, which has given a token again; with `nil` everything, after a sign-in.
    func forgetEnds(at resource: ServiceResource?) async throws(MMError) {
        guard try !memory.ends(endsPath).isEmpty else { return }
        try await changeEnds { ends in
            if let resource { ends.removeAll { $0.resource == resource.name } } else { ends = [] }
        }
    }

    private func changeEnds(_ change: @escaping @Sendable (inout [SignInEnd]) -> Void) async throws(MMError) {
        let path = endsPath
        try ProtectedFile.makeDirectory(directory)
        try await BlockingWork.run { () throws(MMError) in
            var ends = try SignInEnd.read(path)
            change(&ends)
            if ends.isEmpty { return try ProtectedFile.remove(path) }
            let bytes = JSONWriter.bytes(.array(ends.map(\.json)), layout: .indented(2)) + [0x0A]
            try ProtectedFile.replace(path, with: bytes)
        }
    }

    /// Removes the file, with what a killed writer left of it.
    func eraseEnds() throws(MMError) { try ProtectedFile.erase(endsPath) }
}

extension SignInEnd {
    /// The ends in a file; one that can't be parsed holds none, and is written anew with the next.
    static func read(_ path: String) throws(MMError) -> [SignInEnd] {
        guard let bytes = try ProtectedFile.read(path, limit: 1 << 20),
            let items = (try? JSONParser.parse(bytes, limits: JSONLimits(bytes: 1 << 20, depth: 16)))?.array
        else { return [] }
        return items.compactMap { SignInEnd($0) }
    }
}

extension IdentityService {
    /// Returns how the sign-in of a connection's person ended; `nil` while it is good as far as anybody was told.
    package func end(of connection: Connection) async -> SignInEnd? {
        guard let target = try? personsTarget(connection) else { return nil }
        return await end(of: target)
    }

    /// Whether the service has ended a connection's sign-in for all services, so that nothing of it may be used.
    package func isOver(_ connection: Connection) async -> Bool {
        await end(of: connection)?.isOverEverywhere == true
    }

    func end(of target: SignInTarget) async -> SignInEnd? {
        let files = files(target)
        guard let snapshot = try? await files.snapshot(target), let account = try? snapshot.account() else {
            return nil
        }
        let ends = (try? files.ends(of: snapshot.view.refreshToken(of: account)?.secret)) ?? []
        return ends.first { $0.resource == nil } ?? ends.first
    }

    private func personsTarget(_ connection: Connection) throws(MMError) -> SignInTarget? {
        let method = try method(of: connection)
        guard method.isInteractive else { return nil }
        return try target(connection, .graph, method)
    }
}
