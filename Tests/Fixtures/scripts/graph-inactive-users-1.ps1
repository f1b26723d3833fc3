Param
(
    [switch]$CreateSession,
    [string]$TenantId,
    [string]$ClientId,
    [string]$CertificateThumbprint
)
Function Connect_MgGraph
{
 $Module=Get-Module -Name microsoft.graph -ListAvailable
 if($Module.count -eq 0)
 {
  Write-Host Microsoft Graph PowerShell SDK is not available -ForegroundColor yellow
  Install-Module Microsoft.Graph -Repository PSGallery -Scope CurrentUser -AllowClobber -Force
 }
 if($CreateSession.IsPresent)
 {
  Disconnect-MgGraph
 }
 Write-Host Connecting to Microsoft Graph...
 if(($TenantId -ne "") -and ($ClientId -ne "") -and ($CertificateThumbprint -ne ""))
 {
  Connect-MgGraph -TenantId $TenantId -AppId $ClientId -CertificateThumbprint $CertificateThumbprint -NoWelcome
 }
 else
 {
  Connect-MgGraph -Scopes "User.Read.All","AuditLog.read.All" -NoWelcome
 }
}
Connect_MgGraph
$since = (Get-Date).AddDays(-90)
$users = Get-MgUser -All -Property DisplayName, UserPrincipalName, SignInActivity
$idle = $users | Where-Object { $_.SignInActivity.LastSignInDateTime -lt $since }
$idle | Select-Object DisplayName, UserPrincipalName | Export-Csv inactive.csv -NoTypeInformation
Write-Host "$($idle.Count) users have not signed in" -ForegroundColor Cyan
Disconnect-MgGraph -ErrorAction SilentlyContinue
