package import MMCore
import MMSystem

/// The paths of this product's own programs.
package enum OwnProgram {
    /// The program of this process.
    package static let path = ProcFile.linkTarget("/proc/self/exe") ?? CommandLine.arguments.first ?? "mm"

    /// `mm`, which is in the same folder as the other programs.
    package static let mm = beside("mm")

    /// Returns the path of `mm-sandbox`, which is installed separately: the one named by `MM_SANDBOX`, otherwise the
    /// one beside this program, otherwise the first in the search path.
    /// - Parameter environment: the environment of this process, for `MM_SANDBOX` and `PATH`.
    /// - Throws: `invalidInput` if the variable names no program, `unavailable` if there is none.
    package static func sandbox(_ environment: [String: String]) throws(MMError) -> String {
        if let named = environment["MM_SANDBOX"], !named.isEmpty {
            guard let program = ExecutableSearch.find(named, in: environment), program.hasPrefix("/") else {
                throw MMError(
                    .invalidInput, "MM_SANDBOX names “\(named)”, which isn't an executable program.",
                    hint: "Set it to the absolute path of mm-sandbox, or unset it to search beside mm and in PATH.")
            }
            return program
        }
        let places = [beside("mm-sandbox"), "mm-sandbox"]
        guard let program = places.lazy.compactMap({ ExecutableSearch.find($0, in: environment) }).first else {
            throw MMError(
                .unavailable, "The sandbox tenant is a separate program, mm-sandbox, which is not installed.",
                hint:
                    "Install it beside mm (`make install` does), build it (`swift build --product mm-sandbox`), or name it "
                    + "with MM_SANDBOX.")
        }
        return program
    }

    /// Returns the path of a program in the same folder as this one.
    package static func beside(_ name: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return name }
        return path[...slash] + name
    }
}
