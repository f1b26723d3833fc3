import CMMSystem

/// What this machine's processor can do.
package enum Processor {
    /// Whether it has instructions for AES, which make AES-GCM the fastest cipher.
    package static let hasAES = mm_has_aes() != 0
}
