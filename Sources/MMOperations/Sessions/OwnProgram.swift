import MMSystem

/// Where this product's own programs lie.
package enum OwnProgram {
    /// This process's program.
    package static let path = ProcFile.link("/proc/self/exe") ?? CommandLine.arguments.first ?? "mm"

    /// `mm`, which lies beside every other program of the product.
    package static let mm: String = {
        guard let slash = path.lastIndex(of: "/") else { return "mm" }
        return path[...slash] + "mm"
    }()
}
