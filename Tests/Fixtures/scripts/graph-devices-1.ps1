$RequiredScopes = @("User.Read.All", "Group.Read.All")
if (!(Get-Module -ListAvailable -Name Microsoft.Graph)) {
    Set-PSRepository -Name PSGallery -InstallationPolicy Trusted
    Install-Module -Name Microsoft.Graph -Force -AllowClobber
}
Connect-Graph -Scopes $RequiredScopes
Get-MgDevice -All | Group-Object OperatingSystem | Sort-Object Count -Descending | Select-Object Name, Count
