import Glibc

/// An open file descriptor with one owner: it is closed exactly once, when its owner goes.
struct Descriptor: ~Copyable {
    /// The number the kernel knows it by.
    let number: Int32

    /// Takes over a descriptor that somebody just opened.
    init(owning number: Int32) {
        self.number = number
    }

    deinit { _ = close(number) }

    /// What the kernel says about the open file.
    func status() -> stat? {
        var status = stat()
        return fstat(number, &status) == 0 ? status : nil
    }
}
