/// The version of the product, the same in every library and program.
public enum ProductVersion {
    /// The semantic version, as `mm version` prints it.
    public static let text = "0.1.0"
}
