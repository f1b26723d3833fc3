import CLogin
import Glibc
package import MMCore
import MMSystem

/// Checks what a person has to provide in addition to confirming: the confirmation PIN, or the password of their login.
///
/// The PIN is stored as a slow hash in a 0600 file of the state folder. Wrong attempts are counted for PIN and login
/// together, and block further attempts for a quarter of an hour, so that a program that types has few attempts. This
/// doesn't protect against a program of the same user that may write that user's files.
package struct OwnerProof: Sendable {
    /// The security keys, which are stronger proof than typed text.
    package let keys: SecurityKeyRing
    private let path: String
    private let clock: WallClock

    private static let mostTries = 5
    private static let block = Duration.seconds(900)
    private static let minPINLength = 6

    /// Creates the checks of a user.
    /// - Parameters:
    ///   - paths: the paths of the user's state folder.
    ///   - clock: gives the present time.
    package init(paths: StatePaths, clock: WallClock = .system) {
        keys = SecurityKeyRing(paths: paths)
        path = paths.confirmationPIN
        self.clock = clock
    }

    private struct State {
        var hash: String?
        var failures = 0
        var blockedUntil = Timestamp(seconds: 0)
    }

    /// Whether a PIN is set.
    package func hasPIN() throws(MMError) -> Bool { try read().hash != nil }

    /// Checks a typed PIN or password.
    /// - Throws: `forbidden` when it is wrong, when too many attempts were wrong, or when no PIN is set.
    package func check(_ check: PersonCheck, _ typed: Secret) async throws(MMError) {
        guard check == .pin || check == .login else { return }
        let lock = try await FileLock(awaiting: path)
        let outcome = await Result { () async throws(MMError) in try await compare(check, typed) }
        _ = consume lock
        try outcome.get()
    }

    private func compare(_ check: PersonCheck, _ typed: Secret) async throws(MMError) {
        var state = try read()
        guard state.blockedUntil <= clock.now else {
            throw MMError(
                .forbidden, "Too many wrong attempts: nothing can be confirmed until \(state.blockedUntil.iso8601).",
                hint: "If these attempts were not yours, somebody else uses your account.")
        }
        if check == .pin, state.hash == nil {
            throw MMError(
                .forbidden, "Confirming this needs a PIN, and no PIN is set.",
                hint: "Set one in a terminal: mm pin set.")
        }
        let hash = state.hash
        let isRight = try await BlockingWork.run { () throws(MMError) in
            check == .pin ? try Self.matches(typed, hash ?? "") : try Self.isLogin(typed)
        }
        if isRight {
            guard state.failures > 0 else { return }
            state.failures = 0
            return try write(state)
        }
        state.failures += 1
        if state.failures >= Self.mostTries {
            state.failures = 0
            state.blockedUntil = clock.now + Self.block
        }
        try write(state)
        throw MMError(
            .forbidden, check == .pin ? "The PIN is wrong." : "The login password is wrong.",
            hint: "Nothing was sent or run.")
    }

    /// Sets or removes the PIN. The caller has already checked the old one with `check`.
    /// - Parameter pin: the new PIN; `nil` removes it.
    /// - Throws: `invalidInput` for one that is too short.
    package func setPIN(_ pin: Secret?) async throws(MMError) {
        if let pin, pin.reveal().count < Self.minPINLength || pin.reveal().utf8.contains(0) {
            throw MMError(
                .invalidInput, "A PIN needs at least \(Self.minPINLength) characters.", hint: "Choose a longer one.")
        }
        let hash = try await BlockingWork.run { () throws(MMError) in
            try pin.map { (pin) throws(MMError) in try Self.hash(pin) }
        }
        let lock = try await FileLock(awaiting: path)
        var state = try read()
        state.hash = hash
        try write(state)
        _ = consume lock
    }

    private static func hash(_ pin: Secret) throws(MMError) -> String {
        var made = [CChar](repeating: 0, count: 512)
        guard mm_password_hash(pin.reveal(), &made, made.count) == 0 else { throw unavailable("libcrypt.so.1") }
        return String(decoding: made.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func matches(_ pin: Secret, _ hash: String) throws(MMError) -> Bool {
        let result = mm_password_matches(pin.reveal(), hash)
        guard result >= 0 else { throw unavailable("libcrypt.so.1") }
        return result == 1
    }

    /// Checks a password with PAM, using the service `mm` where the administrator has set it up.
    private static func isLogin(_ password: Secret) throws(MMError) -> Bool {
        guard let name = ThisProcess.accountName else {
            throw unavailable("this user's entry in the account database")
        }
        let service = access("/etc/pam.d/mm", F_OK) == 0 ? "mm" : "login"
        let result = mm_login_matches(service, name, password.reveal())
        guard result >= 0 else { throw unavailable("PAM (service \(service))") }
        return result == 1
    }

    private static func unavailable(_ what: String) -> MMError {
        MMError(.forbidden, "It can't be checked, because \(what) is not available.", hint: "Nothing was sent or run.")
    }

    private func read() throws(MMError) -> State {
        guard let bytes = try ProtectedFile.read(path, limit: 64 << 10) else { return State() }
        guard let value = try? JSONParser.parse(bytes), let failures = value["failures"]?.int,
            let blocked = value["blockedUntil"]?.int
        else {
            throw MMError(
                .conflict, "The file of the confirmations' PIN can't be read: \(path).",
                hint: "Remove it and set the PIN again: mm pin set.")
        }
        return State(
            hash: value["hash"]?.string, failures: Int(failures), blockedUntil: Timestamp(seconds: Int64(blocked)))
    }

    private func write(_ state: State) throws(MMError) {
        let value: JSONValue = [
            "hash": state.hash.map(JSONValue.string) ?? .null, "failures": .int(Int64(state.failures)),
            "blockedUntil": .int(state.blockedUntil.seconds),
        ]
        try ProtectedFile.replace(path, with: JSONWriter.bytes(value))
    }
}
