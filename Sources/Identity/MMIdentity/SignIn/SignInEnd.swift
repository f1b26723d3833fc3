package import MMCore
internal import MMSystem

/// The end of a person's sign-in, as the service reported it: to a renewal by this program, or to a module's session.
///
/// It belongs to the refused refresh token and counts while that is the newest one. A new sign-in, in any program,
/// brings another token, so the end needn't be reset. It is stored beside the token cache, so that every process sees
/// it at once. What isn't final, such as a disabled account, stops no renewal: it is stored to be shown until the
/// service accepts one.
package struct SignInEnd: Sendable, Hashable {
    /// The digest of the refresh token that was refused.
    let refused: String
    /// The service for which it counts; `nil` if the sign-in itself is over, for all services.
    let resource: String?
    /// The time at which the service reported it, in seconds since 1970.
    let at: Int64
    /// The description of what went wrong, in a sentence.
    package let reason: String
    /// Entra ID's error number.
    package let number: Int?
    /// The claims that the next sign-in must request.
    let claims: String?
    /// Whether the service won't accept the refresh token again.
    let isFinal: Bool

    /// Whether it counts for every service.
    package var isOverEverywhere: Bool { resource == nil }

    /// Returns whether it counts for one of these services.
    package func counts(for resources: [ServiceResource]) -> Bool {
        isOverEverywhere || resources.contains { $0.name == resource }
    }

    /// Returns a digest that identifies a refresh token without revealing it.
    static func digest(of token: Secret) -> String {
        Hex.text(SHA256.digest(Array(token.reveal().utf8)).prefix(12))
    }

    /// Creates the end from the service's answer to a renewal; `nil` for an error that says nothing about the sign-in.
    init?(_ error: EntraError, refusing token: Secret, for resource: ServiceResource, now: Timestamp) {
        isFinal = error.action.loss != .nothing
        switch (error.action.loss, error.action) {
        case (.oneService, _), (.nothing, .policyBlock): self.resource = resource.name
        case (.everything, _), (.nothing, .adminFixAccount): self.resource = nil
        case (.nothing, _): return nil
        }
        refused = Self.digest(of: token)
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
        isFinal = json["final"]?.bool ?? true
    }

    var json: JSONValue {
        var object: JSONObject = ["refused": .string(refused), "reason": .string(reason), "at": .int(at)]
        object["resource"] = resource.map { .string($0) }
        object["aadsts"] = number.map { .int(Int64($0)) }
        object["claims"] = claims.map { .string($0) }
        if !isFinal { object["final"] = false }
        return .object(object)
    }

    /// Returns the error to report to callers that need the sign-in.
    package func error(of connection: String) -> MMError {
        var details: JSONObject = ["connection": .string(connection), "ended": .bool(isFinal)]
        details["resource"] = resource.map { .string($0) }
        details["aadsts"] = number.map { .int(Int64($0)) }
        let place = resource.map { " for \($0)" } ?? ""
        let advice = number.flatMap(EntraAdvice.about)
        guard isFinal else {
            let next = "To check again: mm status \(ShellWord.quoted(connection)) --check."
            return MMError(
                .forbidden, "The service refused to renew the sign-in of \(connection)\(place) (\(reason)).",
                hint: [advice?.advice, next].compactMap(\.self).joined(separator: " "), details: details)
        }
        let other = advice?.action == .switchAccount ? advice.map { $0.advice + " " } : nil
        return MMError(
            .signInNeeded, "Sign-in needed for \(connection): the last sign-in ended\(place) (\(reason)).",
            hint: (other ?? "") + "To sign in: mm login \(ShellWord.quoted(connection)).", details: details)
    }
}

extension EntraError {
    /// A sentence that says what went wrong, always with Entra ID's number.
    package var reason: String {
        let title = advice?.title ?? (error.isEmpty ? "status \(status)" : error)
        let number = codes.first.map { "AADSTS\($0)" }
        if let number, text.contains(number) { return "\(title): \(text.trimmedOfPeriod)" }
        return [title, number, text.isEmpty ? nil : text.trimmedOfPeriod].compactMap(\.self).joined(separator: ", ")
    }
}

extension String {
    /// The text without the full stop at its end.
    var trimmedOfPeriod: String { hasSuffix(".") ? String(dropLast()) : self }
}

extension TokenFiles {
    private var endsPath: String { "\(directory)/\(names.ends)" }

    /// Returns the ends that were reported for the sign-in of this refresh token.
    func ends(of token: Secret?) throws(MMError) -> [SignInEnd] {
        let all = try memory.ends(endsPath)
        guard !all.isEmpty, let token else { return [] }
        let digest = SignInEnd.digest(of: token)
        return all.filter { $0.refused == digest }
    }

    /// Stores an end. The file may hold the ends of several apps; the oldest are removed.
    func note(_ end: SignInEnd) async throws(MMError) {
        try await changeEnds { ends in
            ends.removeAll { $0.refused == end.refused && $0.resource == end.resource }
            ends = ends.suffix(15) + [end]
        }
    }

    /// Removes the end for a service that has issued a token again, and what isn't final; with `nil`, all ends, after a
    /// sign-in.
    func forgetEnds(at resource: ServiceResource?) async throws(MMError) {
        guard try !memory.ends(endsPath).isEmpty else { return }
        try await changeEnds { ends in
            ends.removeAll { end in
                resource.map { end.resource == $0.name || end.isOverEverywhere && !end.isFinal } ?? true
            }
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

    /// Removes the file and the drafts of killed writers.
    func eraseEnds() throws(MMError) { try ProtectedFile.erase(endsPath) }
}

extension SignInEnd {
    /// Reads the ends in a file. A file that can't be parsed counts as empty and is replaced with the next end.
    static func read(_ path: String) throws(MMError) -> [SignInEnd] {
        guard let bytes = try ProtectedFile.read(path, limit: 1 << 20),
            let items = (try? JSONParser.parse(bytes, limits: JSONLimits(bytes: 1 << 20, depth: 16)))?.array
        else { return [] }
        return items.compactMap { SignInEnd($0) }
    }
}

extension IdentityService {
    /// Returns how the sign-in of a connection's person ended for good; `nil` if no such end was reported.
    package func end(of connection: Connection) async -> SignInEnd? {
        guard let target = try? personsTarget(connection) else { return nil }
        return await end(of: target)
    }

    func end(of target: SignInTarget) async -> SignInEnd? {
        let ends = await ends(of: target).filter(\.isFinal)
        return ends.first { $0.resource == nil } ?? ends.first
    }

    /// Returns the error with which the service last refused to renew the sign-in of a connection's person, if it may
    /// accept the same sign-in again later; tokens that haven't expired may still be accepted.
    package func refusal(of connection: Connection) async -> MMError? {
        guard let target = try? personsTarget(connection),
            let last = await ends(of: target).last(where: { $0.counts(for: [.graph]) }), !last.isFinal
        else { return nil }
        return last.error(of: connection.name)
    }

    private func ends(of target: SignInTarget) async -> [SignInEnd] {
        let files = files(target)
        guard let snapshot = try? await files.snapshot(target), let account = try? snapshot.account() else {
            return []
        }
        return (try? files.ends(of: snapshot.view.refreshToken(of: account)?.secret)) ?? []
    }

    private func personsTarget(_ connection: Connection) throws(MMError) -> SignInTarget? {
        let method = try method(of: connection)
        guard method.isInteractive else { return nil }
        return try target(connection, .graph, method)
    }
}
