import Glibc
import TestSupport
import Testing

@testable import MMCore

@Suite("Remedies for files that can't be accessed")
struct FileFaultTests {
    @Test("on a read-only file system owners and modes aren't the problem")
    func readOnly() {
        let hint = FileFault.error(EROFS, "replace", "/mnt/state/x").hint ?? ""
        #expect(hint.contains("MM_STATE_DIR") && !hint.contains("owners"))
        let owned = FileFault.error(EACCES, "replace", "/mnt/state/x").hint ?? ""
        #expect(owned.contains("owners") && owned.contains("namei -l /mnt/state/x"))
    }

    @Test("too many open files are the process's limit, and no fault of the program", arguments: [EMFILE, ENFILE])
    func openFiles(number: Int32) {
        let error = FileFault.error(number, "reach", "/mnt/state/x")
        #expect(error.code == .unavailable && error.hint?.contains("ulimit -n") == true)
    }

    @Test("a folder that can't be made is the environment's fault, and isn't taken for a missing object")
    func folderThatCannotBeMade() {
        let error = mmError { try ProtectedFile.replace("/proc/none/.m365-state/x", with: []) }
        #expect(error?.code == .unavailable && error?.hint?.contains("MM_STATE_DIR") == true)
    }

    @Test(
        "of folders that are missing, the one that can't be made is named",
        arguments: [("", "/proc/none"), ("absolute/", "/proc/none"), ("absolute/sys/..", "/proc/sys/../none")])
    func deepestFolder(path: String, named: String) throws {
        let folder = try TestFolder()
        #expect(symlink("/proc", folder["absolute"]) == 0)
        let start = path.isEmpty ? "/proc" : folder.path + "/" + path
        let error = mmError { try ProtectedFile.replace(start + "/none/.m365-state/x", with: []) }
        #expect(error?.message.hasPrefix("Can't make the folder \(named): ") == true, "\(error?.message ?? "no error")")
    }

    @Test("a folder that can't be listed isn't an empty one")
    func listing() throws {
        let folder = try TestFolder()
        try folder.write("file", "x")
        guard let place = try FileLocation.resolve(folder.path + "/file", creating: false),
            let opened = try place.open(O_RDONLY, to: "read")
        else {
            Issue.record("the file was written")
            return
        }
        let error = mmError { _ = try FolderListing.names(in: opened, at: folder.path + "/file") }
        #expect(error?.code == .invalidInput)
        #expect(try FolderListing.names(in: folder.path) == ["file"])
        #expect(try FolderListing.names(in: folder.path + "/none").isEmpty)
    }
}
