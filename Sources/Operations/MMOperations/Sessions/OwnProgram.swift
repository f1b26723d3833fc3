package import MMCore
import MMSystem

/// Where this product's own programs lie.
package enum OwnProgram {
    /// This process's program.
    package static let path = ProcFile.linkTarget("/proc/self/exe") ?? CommandLine.arguments.first ?? "mm"

    /// `mm`, which lies beside every other program of the product.
    package static let mm = beside("mm")

    /// `mm-sandbox`, which is installed apart: the one that `MM_SANDBOX` names, else the one beside this program, else the
    /// first of the search path.
    /// - Parameter environment: of this process, for `MM_SANDBOX` and `PATH`.
    /// - Throws: `invalidInput` when the variable names no program, `unavailable` when there is none.
    package static func sandbox(_ environment: [String: String]) throws(MMError) -> String {
        let folders = environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        if let named = environment["MM_SANDBOX"], !named.isEmpty {
            guard let program = ExecutableSearch.find(named, path: folders), program.hasPrefix("/") else {
                throw MMError(
                    .invalidInput, "MM_SANDBOX names “\(named)”, which isn't an executable program.",
                    hint: "Give the absolute path of mm-sandbox, or leave it out to look beside mm and in PATH.")
            }
            return program
        }
        let places = [beside("mm-sandbox"), "mm-sandbox"]
        guard let program = places.lazy.compactMap({ ExecutableSearch.find($0, path: folders) }).first else {
            throw MMError(
                .unavailable, "The sandbox tenant is a program of its own, mm-sandbox, which is not installed here.",
                hint:
                    "Install it beside mm (`make install` does), build it (`swift build --product mm-sandbox`), or name it "
                    + "with MM_SANDBOX.")
        }
        return program
    }

    private static func beside(_ name: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return name }
        return path[...slash] + name
    }
}
