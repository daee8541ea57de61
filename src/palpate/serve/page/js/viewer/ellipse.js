/**
 * The ellipse that a landmark is inside with a stated chance, in px of the film.
 *
 * @param {[number, number, number]} covariance - xx, xy, yy in px^2
 * @param {number} squaredRadius - in standard deviations
 * @returns {{major: number, minor: number, degrees: number}} half axes, the longer first, and
 *   the angle of the longer from x towards y
 */
export function ellipse([xx, xy, yy], squaredRadius) {
  const middle = (xx + yy) / 2;
  const apart = Math.hypot((xx - yy) / 2, xy);
  const half = (variance) => Math.sqrt(Math.max(0, variance) * squaredRadius);
  return {
    major: half(middle + apart),
    minor: half(middle - apart),
    degrees: (Math.atan2(2 * xy, xx - yy) * 90) / Math.PI,
  };
}
