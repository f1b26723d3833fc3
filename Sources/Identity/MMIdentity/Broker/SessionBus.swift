internal import CDBus
internal import Glibc
internal import MMCore
internal import MMSystem

/// The message bus of the user's session (D-Bus), on which a desktop's own services are reached.
struct SessionBus: Sendable {
    /// Why a call came to nothing.
    struct Fault: Error, Sendable {
        /// The bus's own name of the error, such as `org.freedesktop.DBus.Error.ServiceUnknown`; may be empty.
        let name: String
        let text: String

        /// Whether there is no such service on this bus, and none that could be started.
        var isMissingService: Bool {
            name.hasPrefix("org.freedesktop.DBus.Error.Spawn")
                || [
                    "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner",
                    "org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.UnknownInterface",
                ].contains(name)
        }

        init(_ fault: mm_bus_fault) {
            name = withUnsafeBytes(of: fault.name) { Self.text($0) }
            text = withUnsafeBytes(of: fault.text) { Self.text($0) }
        }

        fileprivate init(name: String, text: String) {
            self.name = name
            self.text = text
        }

        private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// A connection that one thread uses; any may stop what it waits for.
    final class Connection: @unchecked Sendable {
        // `@unchecked Sendable`: `raw` never changes, one thread at a time calls with it, and `mm_bus_stop` only sets an
        // atomic flag.
        let raw: UnsafeMutableRawPointer

        init(_ address: String) throws(Fault) {
            var fault = mm_bus_fault()
            guard let raw = mm_bus_open(address, &fault) else { throw Fault(fault) }
            self.raw = raw
        }

        deinit { mm_bus_close(raw) }
    }

    /// The address of the bus.
    let address: String

    /// Finds the bus that an environment names.
    /// - Returns: `nil` for a session without one.
    init?(environment: [String: String]) {
        if let named = environment["DBUS_SESSION_BUS_ADDRESS"], !named.isEmpty {
            address = named
            return
        }
        guard let folder = environment["XDG_RUNTIME_DIR"], folder.hasPrefix("/"), access(folder + "/bus", F_OK) == 0
        else { return nil }
        address = "unix:path=\(folder)/bus"
    }

    /// A method of an object on the bus.
    struct Method: Sendable {
        let service: String
        let path: String
        let interface: String
        let name: String
    }

    /// Calls a method that takes texts and answers with one. Cancelling the task ends the wait.
    func call(_ method: Method, _ texts: [String], within limit: Duration) async throws(Fault) -> String {
        let connection = try Connection(address)
        let outcome = OneShot<Result<String, Fault>>()
        let wait = Self.milliseconds(limit)
        do {
            // A person may take minutes, so this thread is its own.
            try DedicatedThread.start("mm-bus") {
                outcome.resolve(Self.answer(connection, method, texts, wait))
            }
        } catch {
            throw Fault(name: "", text: error.message)
        }
        let result = await withTaskCancellationHandler {
            await outcome.wait()
        } onCancel: {
            mm_bus_stop(connection.raw)
        }
        return try result.get()
    }

    private static func answer(
        _ connection: Connection, _ method: Method, _ texts: [String], _ wait: Int64
    ) -> Result<String, Fault> {
        var fault = mm_bus_fault()
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        let words: [UnsafePointer<CChar>?] = copies.map { $0.map { UnsafePointer($0) } }
        guard
            let answer = mm_bus_call(
                connection.raw, method.service, method.path, method.interface, method.name, words,
                Int32(words.count), wait, &fault)
        else { return .failure(Fault(fault)) }
        defer { free(answer) }
        return .success(String(cString: answer))
    }

    private static func milliseconds(_ limit: Duration) -> Int64 {
        min(max(limit, .milliseconds(1)), .seconds(86_400)).milliseconds
    }
}
