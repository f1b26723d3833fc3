import MMCore

/// The identity that is signed in to a session, after it was checked against what the connection expects.
///
/// Only the check creates one, and a session only accepts commands with one: no command can run before the session's
/// account is known to be the right one.
public struct SessionIdentity: Sendable, Hashable {
    /// The identity.
    package let claims: TokenClaims
    /// The sign-in method: `token`, `device code`, `certificate`, …; empty for a session without a sign-in.
    public let method: String

    // The initializer that the compiler would make could be called from the whole module.
    private init(claims: TokenClaims, method: String) {
        self.claims = claims
        self.method = method
    }

    /// The name to display: the account, or else the app.
    public var name: String { claims.account ?? claims.appID.map { "app \($0)" } ?? claims.objectID ?? "" }

    /// Whether it was signed in with a token that the caller manages.
    package var usesSuppliedToken: Bool { method == ModuleSignInMethod.tokens([]).word }

    /// Whether a person signed in to the module itself.
    package var isInteractive: Bool { method == ModuleSignInMethod.device.word && !claims.isApp }

    /// The identity of a session that belongs to no service and needs no account.
    static let none = SessionIdentity(claims: TokenClaims(), method: "")

    /// Checks the identity that signed in.
    /// - Parameters:
    ///   - told: the identity that the module, or the token supplied to it, reports.
    ///   - target: the account that the connection expects.
    ///   - method: the sign-in method.
    /// - Throws: `forbidden`, naming who signed in and who was expected. A sign-in that doesn't identify the account
    ///   counts as a wrong one.
    static func check(
        _ told: TokenClaims?, for target: ModuleSignInTarget, by method: ModuleSignInMethod
    ) throws(MMError) -> SessionIdentity {
        guard let told else { throw unverified("nobody", target, "the module doesn't report the signed-in account") }
        let name = told.account ?? told.appID.map { "the app \($0)" } ?? "an account without a name"
        try checkTenant(told, name, target)
        if method.isAppOnly || told.isApp {
            if let wanted = target.appID, let app = told.appID, !same(wanted, app) {
                throw wrong("the app \(app)", "the app \(wanted)", target)
            }
            guard told.tenantID != nil else { throw unverified(name, target, "the tenant is unknown") }
            return SessionIdentity(claims: told, method: method.word)
        }
        var isSure = false
        if let wanted = target.objectID, let object = told.objectID {
            guard same(wanted, object) else { throw wrong(name, target.account ?? "the account \(wanted)", target) }
            isSure = true
        }
        if let wanted = target.account {
            if let account = told.account {
                // An object id doesn't change when the name does: a known id takes precedence over the name.
                guard isSure || same(wanted, account) else { throw wrong(account, wanted, target) }
                isSure = true
            }
            guard isSure else { throw unverified(name, target, "the account's name is unknown") }
        }
        if !isSure {
            guard target.objectID == nil else {
                throw unverified(
                    name, target, "the account's object ID is unknown, and the connection has no expectedEmail")
            }
            guard told.account != nil || told.objectID != nil else {
                throw unverified(name, target, "the account's name and object ID are unknown")
            }
        }
        return SessionIdentity(claims: told, method: method.word)
    }

    private static func checkTenant(_ told: TokenClaims, _ name: String, _ target: ModuleSignInTarget) throws(MMError) {
        guard let wanted = target.tenantID else { return }
        guard let tenant = told.tenantID else { throw unverified(name, target, "the tenant is unknown") }
        guard same(wanted, tenant) else {
            throw wrong("\(name) of the tenant \(tenant)", "the tenant \(wanted)", target)
        }
    }

    private static func same(_ left: String, _ right: String) -> Bool { left.lowercased() == right.lowercased() }

    private static func wrong(_ who: String, _ wanted: String, _ target: ModuleSignInTarget) -> MMError {
        MMError(
            .forbidden, "\(who) signed in, but the connection \(target.connection) is for \(wanted).",
            hint: "The session was signed out; other sessions are unchanged. Sign in again with the right account.",
            details: [
                "connection": .string(target.connection), "signedIn": .string(who), "expected": .string(wanted),
            ])
    }

    private static func unverified(_ who: String, _ target: ModuleSignInTarget, _ why: String) -> MMError {
        MMError(
            .forbidden,
            "mm can't verify that the signed-in account belongs to the connection \(target.connection): \(why).",
            hint: "The session was signed out. Check expectedEmail and tenantId of the connection.",
            details: ["connection": .string(target.connection), "signedIn": .string(who)])
    }
}
