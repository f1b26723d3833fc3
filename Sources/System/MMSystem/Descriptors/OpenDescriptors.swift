import Glibc
import MMCore

/// A set of descriptors that are closed together, at the latest when this object is destroyed.
final class OpenDescriptors: Sendable {
    private let all = Mutex<[Int32]>([])

    deinit { closeAll() }

    /// Takes ownership of a descriptor.
    func keep(_ descriptor: Int32) -> Int32 {
        all.withLock { $0.append(descriptor) }
        return descriptor
    }

    /// Closes all descriptors; further calls do nothing.
    func closeAll() {
        let descriptors = all.withLock { all in
            defer { all = [] }
            return all
        }
        for descriptor in descriptors { close(descriptor) }
    }
}
