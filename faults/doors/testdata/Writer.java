// Files written, forced and renamed as Java programs do: through streams, channels and mappings.
import java.io.FileOutputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

public class Writer {
  public static void main(String[] arguments) throws Exception {
    try (RandomAccessFile file = new RandomAccessFile("table", "rw")) {
      for (int i = 0; i < 200; i++) {
        file.seek((i * 37 % 50) * 100L);
        file.writeUTF("row " + i);
        if (i % 10 == 0) file.getFD().sync();
      }
    }
    for (int i = 0; i < 20; i++) {
      try (FileOutputStream out = new FileOutputStream("state.new")) {
        out.write(("state " + i + "\n").getBytes(StandardCharsets.UTF_8));
        out.getChannel().force(true);
      }
      Files.move(Path.of("state.new"), Path.of("state"), StandardCopyOption.ATOMIC_MOVE);
    }
    Path mapped = Path.of("mapped");
    try (FileChannel channel = FileChannel.open(mapped, StandardOpenOption.CREATE,
        StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      MappedByteBuffer buffer = channel.map(FileChannel.MapMode.READ_WRITE, 0, 100_000);
      for (int i = 0; i < 1000; i++) buffer.putInt(i * 80, i);
      buffer.force();
      channel.write(ByteBuffer.wrap("end".getBytes(StandardCharsets.UTF_8)), 100_000);
    }
  }
}
