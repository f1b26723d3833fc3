import Glibc
package import MMCore

/// The programs that the package builds next to the tests.
package enum BuiltPrograms {
    /// The package's folder, derived from the path of this source file.
    package static let packageFolder: String = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        return parts.joined(separator: "/")
    }()

    /// Returns the path of a program.
    /// - Throws: `notFound` when it has not been built.
    package static func path(_ name: String) throws(MMError) -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = max(0, readlink("/proc/self/exe", &buffer, buffer.count - 1))
        let own = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // The tests run inside the bundle next to the programs, or inside a helper of the toolchain.
        let beside = own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        for folder in [beside, packageFolder + "/.build/debug"] where access("\(folder)/\(name)", X_OK) == 0 {
            return "\(folder)/\(name)"
        }
        throw MMError(.notFound, "The package's \(name) is not built.", hint: "Run swift build --build-tests.")
    }
}
