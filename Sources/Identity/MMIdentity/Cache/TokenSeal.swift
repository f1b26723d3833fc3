internal import CDBus
internal import COpenSSL
package import MMCore
internal import MMSystem

/// The form in which token caches, pending sign-ins and the journal of changes are stored: plain (caches as MSAL's
/// JSON, which other programs share), or encrypted with the key of a file or of the user's Secret Service
/// (AES-256-GCM), which ends that sharing.
package struct TokenSeal: Sendable {
    /// The reason why a file can't be read or written in its form, phrased as the end of "FILE …".
    package struct Fault: Error {
        package let text: String
        package let hint: String
        /// Whether the content itself is damaged, so that no key opens it.
        package var isDamage = false
    }

    /// The source of the key.
    private enum KeySource: Sendable {
        case file(String)
        case secretService(SecretServiceKey)
        /// The variables about it say something that this program doesn't know.
        case unknown(Fault)

        var place: String {
            switch self {
            case .file(let path): path
            case .secretService: "the Secret Service"
            case .unknown: "an unknown source"
            }
        }
    }

    private let source: KeySource?
    /// Whether files are written encrypted. If this is off and there is a key, encrypted files are still read, and
    /// written plain the next time.
    package let isOn: Bool

    /// The plain format.
    static let plain = TokenSeal(nil, isOn: false)

    private static let header = Array("mm encrypted tokens 1\n".utf8)
    private static let leastKey = 32
    private static let idBytes = 8
    private static let overhead = 28

    /// Creates the form that an environment chooses: encrypted where there is a key, unless `MM_TOKEN_ENCRYPTION`
    /// switches it off.
    package init(paths: StatePaths, environment: [String: String]) {
        let isOn: Bool
        do throws(MMError) {
            isOn = try EnvironmentSwitch.isOn("MM_TOKEN_ENCRYPTION", of: environment, unset: true)
        } catch {
            let word = environment["MM_TOKEN_ENCRYPTION"] ?? ""
            let fault = Fault(
                text: "can't be stored: MM_TOKEN_ENCRYPTION is “\(word.prefix(40))”", hint: error.hint ?? "")
            self.init(.unknown(fault), isOn: true)
            return
        }
        let source: KeySource? =
            if let file = paths.tokenKeyFile {
                .file(file)
            } else {
                switch environment["MM_TOKEN_KEY"] {
                case nil, "": nil
                case "secret-service": .secretService(SecretServiceKey(environment: environment, paths: paths))
                case let word?:
                    .unknown(
                        Fault(
                            text: "needs a key from “\(word.prefix(40))” (MM_TOKEN_KEY), which is not supported",
                            hint: "Set MM_TOKEN_KEY=secret-service, or MM_TOKEN_KEY_FILE to a file."))
                }
            }
        self.init(source, isOn: isOn)
    }

    private init(_ source: KeySource?, isOn: Bool) {
        self.source = source
        self.isOn = source != nil && isOn
    }

    /// Returns whether a file's content is encrypted.
    static func isSealed(_ bytes: [UInt8]) -> Bool { bytes.starts(with: header) }

    /// Fetches a key that another process keeps, without blocking this program's other work.
    package func prepare() async throws(Fault) {
        if case .secretService(let service) = source { try await service.prepare() }
    }

    /// Checks that there is a key if one is needed for writing.
    func check() async throws(Fault) {
        if isOn { try await prepare() }
        if isOn { _ = try key() }
    }

    /// Returns the content of a file in its stored form.
    /// - Parameter name: the file's name; the content can't be passed off as that of another one.
    package func stored(_ plain: [UInt8], name: String) throws(Fault) -> [UInt8] {
        guard isOn else { return plain }
        let (key, id) = try key()
        var room = [UInt8](repeating: 0, count: plain.count + Self.overhead)
        let (bytes, bound) = (plain, Array(name.utf8))
        let count = mm_seal(key, bound, Int32(bound.count), bytes, Int32(bytes.count), &room, Int32(room.count))
        guard count > 0 else { throw Fault(text: "can't be encrypted: OpenSSL refuses", hint: "Check libssl3.") }
        return Self.header + Array("\(Hex.text(id))\n\(Base64.text(Array(room.prefix(Int(count)))))\n".utf8)
    }

    /// Returns the plain content of a stored file.
    package func plain(_ stored: [UInt8], name: String) throws(Fault) -> [UInt8] {
        guard Self.isSealed(stored) else { return stored }
        let (key, id) = try key()
        let lines = String(decoding: stored.dropFirst(Self.header.count), as: UTF8.self).split(separator: "\n")
        guard lines.count == 2, let sealed = Base64.bytes(String(lines[1])), sealed.count >= Self.overhead else {
            throw Fault(text: "is encrypted and damaged", hint: "Restore it from a copy.", isDamage: true)
        }
        guard lines[0] == Hex.text(id) else {
            throw Fault(
                text:
                    "is encrypted with another key (\(lines[0])) than that of \(source?.place ?? "") (\(Hex.text(id)))",
                hint: "Set MM_TOKEN_KEY_FILE to the file with the right key.")
        }
        var room = [UInt8](repeating: 0, count: sealed.count)
        let bound = Array(name.utf8)
        let count = mm_unseal(key, bound, Int32(bound.count), sealed, Int32(sealed.count), &room, Int32(room.count))
        guard count >= 0 else {
            throw Fault(
                text: "is encrypted, and was changed or belongs to another connection",
                hint: "Restore it from a copy.", isDamage: true)
        }
        return Array(room.prefix(Int(count)))
    }

    /// Returns the key for this program's files, with an id that distinguishes it from others without revealing it.
    private func key() throws(Fault) -> (key: [UInt8], id: ArraySlice<UInt8>) {
        guard let source else {
            throw Fault(
                text: "is encrypted, and this process has no key",
                hint:
                    "Set MM_TOKEN_KEY_FILE to the key's file, or MM_TOKEN_KEY=secret-service (a pool keeps the variables it was "
                    + "started with).")
        }
        let secret: [UInt8]
        switch source {
        case .file(let path): secret = try Self.read(path)
        case .secretService(let service): secret = try service.key()
        case .unknown(let fault): throw fault
        }
        if let reason = mm_openssl_load() {
            throw Fault(
                text: "can't be decrypted: OpenSSL can't be opened: \(String(cString: reason))",
                hint: "apt-get install libssl3")
        }
        let key = HMAC.sha256("mm token cache 1".utf8, key: secret)
        return (key, HMAC.sha256("mm token cache 1 id".utf8, key: secret).prefix(Self.idBytes))
    }

    private static func read(_ keyFile: String) throws(Fault) -> [UInt8] {
        let remedy = "Write at least \(Self.leastKey) random bytes there: openssl rand -base64 32, mode 0600."
        let content: [UInt8]?
        do {
            content = try SecretFile.key(keyFile, limit: 64 << 10)
        } catch {
            throw Fault(text: "needs a key that can't be read: \(error.message)", hint: error.hint ?? remedy)
        }
        guard let secret = content else {
            throw Fault(text: "needs the key in \(keyFile), which does not exist", hint: remedy)
        }
        guard secret.count >= Self.leastKey else {
            throw Fault(text: "needs a longer key than that in \(keyFile)", hint: remedy)
        }
        return secret
    }
}

/// The key of encrypted token files in the user's Secret Service (GNOME Keyring, KWallet, KeePassXC), created at the
/// first use and read once per process.
final class SecretServiceKey: Sendable {
    private static let attribute = (name: "mm-key", value: "token-cache")
    /// How long to wait for the service, and for a person whom it asks to unlock the key, in milliseconds.
    private static let waits = mm_secret_waits(service: 10_000, person: 60_000)
    private static let bytes = 32
    /// How long a failure counts for the next calls: those that waited meanwhile, and the other steps of the same call,
    /// don't ask the person again.
    private static let memory = Duration.seconds(2)

    private let held = Mutex<[UInt8]?>(nil)
    /// The last failure. It is locked while the service is asked, so that a person is asked once.
    private let refusal = Mutex<(fault: TokenSeal.Fault, until: ContinuousClock.Instant)?>(nil)
    private let bus: SessionBus?
    /// The file that is locked while a key is created, so that two processes don't create one each.
    private let lockPath: String

    init(environment: [String: String], paths: StatePaths) {
        bus = SessionBus(environment: environment)
        lockPath = paths.tokenDirectory + "/.secret-service-key"
    }

    /// Fetches the key on a thread of its own, which may wait for a person, so that `key` has it in memory.
    func prepare() async throws(TokenSeal.Fault) {
        guard held.withLock({ $0 }) == nil else { return }
        let outcome: Result<Void, TokenSeal.Fault>
        do {
            outcome = try await DedicatedThread.run("mm-secrets") { [self] () throws(MMError) in
                do throws(TokenSeal.Fault) {
                    return .success(try fetch())
                } catch { return .failure(error) }
            }
        } catch {
            throw Self.fault(error.message)
        }
        try outcome.get()
    }

    /// Returns the key that `prepare` has fetched.
    func key() throws(TokenSeal.Fault) -> [UInt8] {
        guard let key = held.withLock({ $0 }) else { throw Self.fault("it was not asked yet") }
        return key
    }

    private func fetch() throws(TokenSeal.Fault) {
        try refusal.withLock { (refusal) throws(TokenSeal.Fault) in
            guard held.withLock({ $0 }) == nil else { return }
            if let refusal, refusal.until > .now { throw refusal.fault }
            do throws(TokenSeal.Fault) {
                let key = try found()
                held.withLock { $0 = key }
            } catch {
                refusal = (error, .now + Self.memory)
                throw error
            }
        }
    }

    private func found() throws(TokenSeal.Fault) -> [UInt8] {
        guard let bus else { throw Self.fault("this session has no message bus") }
        if let key = try find(bus) { return key }
        do {
            let turn = Deadline.after(.milliseconds(Self.waits.person))
            let key: Result<[UInt8], TokenSeal.Fault> = try FileLock.with(lockPath, until: turn) {
                do throws(TokenSeal.Fault) {
                    if let key = try find(bus) { return .success(key) }
                    return .success(try make(bus))
                } catch { return .failure(error) }
            }
            return try key.get()
        } catch let error as TokenSeal.Fault {
            throw error
        } catch {
            throw Self.fault("\(error)")
        }
    }

    private func find(_ bus: SessionBus) throws(TokenSeal.Fault) -> [UInt8]? {
        var room = [UInt8](repeating: 0, count: 256)
        let size = Int32(room.count)
        let count = try exchange(bus) { connection, fault in
            mm_secret_find(
                connection, Self.attribute.name, Self.attribute.value, &room, size, Self.waits, &fault)
        }
        return count == 0 ? nil : Array(room.prefix(Int(count)))
    }

    private func make(_ bus: SessionBus) throws(TokenSeal.Fault) -> [UInt8] {
        let key = RandomBytes.make(Self.bytes)
        _ = try exchange(bus) { connection, fault in
            mm_secret_keep(
                connection, "Microsoft Master: key of the token caches", Self.attribute.name, Self.attribute.value,
                key, Int32(key.count), Self.waits, &fault)
        }
        return key
    }

    private func exchange(
        _ bus: SessionBus, _ call: (UnsafeMutableRawPointer, inout mm_bus_fault) -> Int32
    ) throws(TokenSeal.Fault) -> Int32 {
        let connection: SessionBus.Connection
        do { connection = try SessionBus.Connection(bus.address) } catch { throw Self.fault(error.text) }
        var fault = mm_bus_fault()
        let result = call(connection.raw, &fault)
        guard result >= 0 else {
            let reason = SessionBus.Fault(fault)
            throw Self.fault(
                reason.isMissingService
                    ? "the Secret Service is not running (\(reason.text))" : "\(reason.text) (\(reason.name))")
        }
        return result
    }

    private static func fault(_ reason: String) -> TokenSeal.Fault {
        TokenSeal.Fault(
            text: "needs its key from the Secret Service: \(reason)",
            hint:
                "Unlock the desktop's keyring and run mm within the desktop session, or keep the key in a file: "
                + "MM_TOKEN_KEY_FILE.")
    }
}
