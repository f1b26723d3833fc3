import Glibc
import MMCore

/// Descriptors that are closed together, at the latest when this object goes.
final class OpenDescriptors: Sendable {
    private let all = Mutex<[Int32]>([])

    deinit { closeAll() }

    /// Takes over a descriptor.
    func keep(_ descriptor: Int32) -> Int32 {
        all.withLock { $0.append(descriptor) }
        return descriptor
    }

    /// Closes all of them, once.
    func closeAll() {
        let descriptors = all.withLock { all in
            defer { all = [] }
            return all
        }
        for descriptor in descriptors { close(descriptor) }
    }
}
