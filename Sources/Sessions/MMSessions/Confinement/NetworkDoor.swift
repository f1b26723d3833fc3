import Glibc
package import MMCore
package import MMSystem

/// The one way out of a confined program's own network: the launcher listens there, at ports that the program is told, and
/// passes the listeners to this process.
package final class NetworkDoor: Sendable {
    /// The ports of 127.0.0.1 at which the program finds it.
    let ports: [UInt16]
    private let near: Int32
    private let far: Mutex<Int32?>

    /// A door for one program that is about to be started.
    /// - Throws: `.unavailable` when there are no descriptors left.
    package init(at ports: [UInt16]) throws(MMError) {
        self.ports = ports
        let pair = try PassedDescriptors.pair()
        near = pair.own
        far = Mutex(pair.child)
    }

    deinit {
        close(near)
        closeFar()
    }

    /// The end that the launcher is given.
    var launcherEnd: Int32? { far.withLock { $0 } }

    /// Waits for the listeners, once the program was started.
    /// - Returns: them in the order of their ports; none where it has no network of its own, or ended before.
    package func listeners() async throws(MMError) -> [PolledListener] {
        closeFar()
        let (near, most) = (near, ports.count)
        let raw = try await BlockingWork.run { () throws(MMError) -> [Int32] in
            PassedDescriptors.receive(from: near, most: most)
        }
        guard raw.count == ports.count else {
            for one in raw { close(one) }
            return []
        }
        var made: [PolledListener] = []
        for (one, port) in zip(raw, ports) { made.append(try PolledListener(owning: one, port: port)) }
        return made
    }

    private func closeFar() {
        far.withLock { far in
            if let raw = far { close(raw) }
            far = nil
        }
    }
}
