internal import CDBus
internal import MMCore
internal import MMSystem

/// The key of encrypted token files in the user's Secret Service (GNOME Keyring, KWallet, KeePassXC), made at the first
/// use and read once for a process.
final class SecretServiceKey: Sendable {
    private static let attribute = (name: "mm-key", value: "token-cache")
    /// How long an answer is waited for; nobody is asked for a password meanwhile.
    private static let patience: Int64 = 10_000
    private static let bytes = 32

    private let held = Mutex<[UInt8]?>(nil)
    private let bus: SessionBus?
    /// What is locked while a key is made, so that two processes don't make one each.
    private let lockPath: String

    init(environment: [String: String], paths: StatePaths) {
        bus = SessionBus(environment: environment)
        lockPath = paths.tokenDirectory + "/.secret-service-key"
    }

    /// Gets the key on a thread that may block, so that `key` has it at hand.
    func prepare() async throws(TokenSeal.Fault) {
        guard held.withLock({ $0 }) == nil else { return }
        let outcome: Result<Void, TokenSeal.Fault>
        do {
            outcome = try await BlockingWork.run { [self] () throws(MMError) in
                do throws(TokenSeal.Fault) {
                    _ = try key()
                    return .success(())
                } catch { return .failure(error) }
            }
        } catch {
            throw Self.fault(error.message)
        }
        try outcome.get()
    }

    /// The key.
    func key() throws(TokenSeal.Fault) -> [UInt8] {
        if let key = held.withLock({ $0 }) { return key }
        let key = try found()
        held.withLock { $0 = key }
        return key
    }

    private func found() throws(TokenSeal.Fault) -> [UInt8] {
        guard let bus else { throw Self.fault("this session has no message bus") }
        if let key = try find(bus) { return key }
        do {
            let key: Result<[UInt8], TokenSeal.Fault> = try FileLock.with(lockPath, until: .after(.seconds(5))) {
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
                connection, Self.attribute.name, Self.attribute.value, &room, size, Self.patience, &fault)
        }
        return count == 0 ? nil : Array(room.prefix(Int(count)))
    }

    private func make(_ bus: SessionBus) throws(TokenSeal.Fault) -> [UInt8] {
        let key = RandomBytes.make(Self.bytes)
        _ = try exchange(bus) { connection, fault in
            mm_secret_keep(
                connection, "Microsoft Master: key of the token caches", Self.attribute.name, Self.attribute.value,
                key, Int32(key.count), Self.patience, &fault)
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
                reason.isMissingService ? "no Secret Service runs (\(reason.text))" : "\(reason.text) (\(reason.name))")
        }
        return result
    }

    private static func fault(_ reason: String) -> TokenSeal.Fault {
        TokenSeal.Fault(
            text: "needs its key from the Secret Service: \(reason)",
            hint:
                "Unlock the desktop's keyring (secret-tool search mm-key token-cache shows the key) and run mm within "
                + "the desktop session, or keep the key in a file: MM_TOKEN_KEY_FILE.")
    }
}
